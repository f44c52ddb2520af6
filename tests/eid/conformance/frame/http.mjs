// One HTTP request, sent as it is given: repeated headers, their case, a client certificate,
// nothing followed. What fetch mends or hides is what these tests are about.
import http from 'node:http';
import https from 'node:https';

const agents = { 'http:': new http.Agent({ keepAlive: true }), 'https:': new Map() };

/** Connections are kept apart by the certificate that was shown on them. */
function agentFor(protocol, tls) {
  if (protocol === 'http:') return agents['http:'];
  const key = `${tls?.cert ?? ''}\n${tls?.minVersion ?? ''}${tls?.maxVersion ?? ''}`;
  let agent = agents['https:'].get(key);
  if (!agent) agents['https:'].set(key, agent = new https.Agent({ keepAlive: true, ...tls }));
  return agent;
}

export function hangUp() {
  agents['http:'].destroy();
  for (const agent of agents['https:'].values()) agent.destroy();
}

/** `form` and `json` are bodies; `headers` may have lists as values. Answers {status, headers,
 * text, json}: json undefined where the text is none. */
export function request(url, { method = 'GET', headers = {}, form, json, body, tls } = {}) {
  const target = new URL(url);
  const all = { ...headers };
  let sent = body;
  if (form !== undefined) {
    sent = form instanceof URLSearchParams ? form.toString() : new URLSearchParams(Object.entries(form).filter(([, v]) => v !== undefined)).toString();
    all['Content-Type'] ??= 'application/x-www-form-urlencoded';
  }
  if (json !== undefined) {
    sent = JSON.stringify(json);
    all['Content-Type'] ??= 'application/json';
  }
  if (sent !== undefined) all['Content-Length'] = Buffer.byteLength(sent);
  return new Promise((resolve, reject) => {
    const module = target.protocol === 'https:' ? https : http;
    const req = module.request(target, { method, headers: all, agent: agentFor(target.protocol, tls) }, (res) => {
      const parts = [];
      res.on('data', (part) => parts.push(part));
      res.on('error', reject);
      res.on('end', () => {
        const text = Buffer.concat(parts).toString();
        let read;
        try {
          read = JSON.parse(text);
        } catch {
          read = undefined;
        }
        resolve({ status: res.statusCode, headers: res.headers, text, json: read, type: String(res.headers['content-type'] ?? '').split(';')[0].trim().toLowerCase() });
      });
    });
    req.setTimeout(60000, () => req.destroy(new Error(`${method} ${target.origin}${target.pathname}: no answer within 60 s`)));
    req.on('error', (error) => reject(Object.assign(error, { tls: /ssl|tls|certificate|EPROTO|ECONNRESET/i.test(`${error.code} ${error.message}`) })));
    req.end(sent);
  });
}
