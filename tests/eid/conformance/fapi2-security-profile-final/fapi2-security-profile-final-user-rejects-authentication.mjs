// The person refuses, for each of two clients, with a state of 128 characters.
// Asserts: access_denied at the redirect_uri (whose own query is kept), with the state and iss,
// without a code.
import { errorResponse } from '../frame/checks.mjs';
import { Fapi } from '../frame/fapi.mjs';
import { random } from '../frame/jose.mjs';

export default async function (t) {
  for (const n of [0, 1]) {
    const f = await Fapi.register(t, { n });
    const { params } = f.parameters({ state: random(96) });
    const agent = t.agent();
    agent.allow = false;
    const outcome = await f.authorize(params, { agent });
    t.need('the browser comes back', outcome.callback, String(outcome.page));
    const kept = new URL(f.redirectUri).searchParams;
    for (const [k, v] of kept) {
      t.equal(`${k} of the redirect_uri is kept`, outcome.params.get(k), v);
      outcome.params.delete(k);
    }
    errorResponse(t, outcome, { state: params.state, errors: ['access_denied'] });
  }
}
