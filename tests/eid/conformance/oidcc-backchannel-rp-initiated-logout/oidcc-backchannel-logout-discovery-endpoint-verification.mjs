// Reads the discovery document.
// Asserts: end_session_endpoint is there; backchannel_logout_supported and
// backchannel_logout_session_supported are true.

export default async function (t) {
  const answer = await t.request(`${t.target.issuer}/.well-known/openid-configuration`);
  t.need('the document is there', answer.status === 200 && answer.json);
  t.check('end_session_endpoint is an address', URL.canParse(answer.json.end_session_endpoint ?? ''));
  t.equal('back-channel logout is offered', answer.json.backchannel_logout_supported, true);
  t.equal('with sessions', answer.json.backchannel_logout_session_supported, true);
}
