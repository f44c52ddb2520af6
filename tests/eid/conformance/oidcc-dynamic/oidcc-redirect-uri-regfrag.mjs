// Registers a redirect_uri with a fragment.
// Asserts: 400 with invalid_redirect_uri (or invalid_client_metadata); nothing is registered.

export default async function (t) {
  const answer = await t.request(t.op.registration_endpoint, { method: 'POST', json: { redirect_uris: [`${t.redirectUri()}#part`], response_types: ['code'] } });
  t.equal('it answers 400', answer.status, 400);
  t.check('the error says what is wrong', ['invalid_redirect_uri', 'invalid_client_metadata'].includes(answer.json?.error), answer.text);
  t.check('no client is made', !answer.json?.client_id);
}
