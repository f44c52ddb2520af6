// The relying party's side of the browser: every path answers, with a text of its own where
// `answers` has one, and what came is kept.
import { createServer } from 'node:http';

export async function startCallback() {
  const requests = [];
  const answers = new Map();
  const server = createServer((req, res) => {
    const parts = [];
    req.on('data', (part) => parts.push(part));
    req.on('end', () => {
      const url = new URL(req.url, origin);
      requests.push({ method: req.method, url, body: Buffer.concat(parts).toString(), headers: req.headers });
      res.writeHead(200, { 'Content-Type': 'text/plain', 'Cache-Control': 'no-store' });
      res.end(answers.get(url.pathname) ?? 'back at the relying party\n');
    });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${server.address().port}`;
  return { origin, requests, answers, stop: () => new Promise((resolve) => { server.close(resolve); server.closeAllConnections(); }) };
}
