// What the browser is told (RFC 9700, 4.2 and 4.16; RFC 6749, 10.13).
// Asserts: cookies are HttpOnly, SameSite, without Domain, and over https Secure with the prefix
// __Host-; answers with codes and tokens may not be kept nor named as referrer; pages may not be
// framed; redirects are 302 or 303 also after POST; the authorization endpoint may not be read by
// other origins.
import { authorizeUrl, basic, parameters, readCode } from '../frame/oidc.mjs';

export default async function (t) {
  const client = await t.register();
  const secure = t.target.issuer.startsWith('https:');
  const agent = t.agent();
  const answers = [];
  const load = agent.load.bind(agent);
  agent.load = async (url, options) => {
    const answer = await load(url, options);
    if (new URL(url).origin === t.target.issuer) answers.push({ url: new URL(url), answer });
    return answer;
  };
  const params = parameters(client);
  const code = readCode(t, await agent.go(t.op.authorization_endpoint, { method: 'POST', form: params }), params);
  const cookies = answers.flatMap(({ answer }) => answer.headers['set-cookie'] ?? []);
  t.check('there are cookies', cookies.length >= 2, cookies.length);
  for (const line of cookies) {
    const name = line.split('=')[0];
    t.check(`${name} is HttpOnly`, /;\s*HttpOnly/i.test(line));
    t.check(`${name} is SameSite`, /;\s*SameSite=(Lax|Strict)/i.test(line));
    t.check(`${name} has no Domain`, !/;\s*Domain=/i.test(line));
    if (secure) t.check(`${name} is Secure, and of this host alone`, /;\s*Secure/i.test(line) && name.startsWith('__Host-') && /;\s*Path=\/(;|$)/i.test(line));
  }
  for (const { url, answer } of answers.filter((a) => a.answer.status >= 300 && a.answer.status < 400)) {
    t.check(`${url.pathname} redirects with 302 or 303`, [302, 303].includes(answer.status), answer.status);
    t.check(`${url.pathname} may not be kept`, /no-store/.test(answer.headers['cache-control'] ?? ''), answer.headers['cache-control']);
    t.check(`${url.pathname} is no referrer`, /no-referrer/.test(answer.headers['referrer-policy'] ?? ''), answer.headers['referrer-policy']);
  }
  for (const path of ['/eid/sign-in?interaction=x', '/eid/error?error=x', '/eid/sign-out', '/eid/authorize']) {
    const page = await t.request(`${t.target.issuer}${path}`, { headers: { Accept: 'text/html' } });
    t.check(`${path} may not be framed`, /frame-ancestors 'none'/.test(page.headers['content-security-policy'] ?? '') || /DENY/i.test(page.headers['x-frame-options'] ?? ''), page.headers['content-security-policy']);
  }
  const foreign = await t.request(authorizeUrl(t, params), { headers: { Origin: 'https://evil.example' } });
  t.check('the authorization endpoint is not open to other origins', foreign.headers['access-control-allow-origin'] === undefined, foreign.headers['access-control-allow-origin']);
  const tokens = await t.request(t.op.token_endpoint, { method: 'POST', form: { grant_type: 'authorization_code', code, redirect_uri: params.redirect_uri }, headers: { Authorization: basic(client), Origin: 'https://page.example' } });
  t.check('no cookie goes with answers to other origins', tokens.headers['access-control-allow-credentials'] === undefined);
}
