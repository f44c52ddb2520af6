// Reads the discovery document.
// Asserts: end_session_endpoint is there, an https address (or http where the provider itself
// is on loopback), and the document is otherwise readable.
export default async function (t) {
  const answer = await t.request(`${t.target.issuer}/.well-known/openid-configuration`);
  t.need('the document is there', answer.status === 200 && answer.json);
  const end = answer.json.end_session_endpoint;
  t.need('end_session_endpoint is an address', typeof end === 'string' && URL.canParse(end), end);
  t.equal('with the scheme of the issuer', new URL(end).protocol, new URL(t.target.issuer).protocol);
}
