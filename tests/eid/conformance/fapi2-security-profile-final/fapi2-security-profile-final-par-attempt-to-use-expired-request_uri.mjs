// Waits until a request_uri is over, then sends the browser to it; skipped where that takes more
// than two minutes (the original: thirty).
// Asserts: an error page, or invalid_request_uri at the redirect_uri.
import { refused } from '../frame/checks.mjs';
import { Fapi } from '../frame/fapi.mjs';

export const slow = 63;

export default async function (t) {
  const f = await Fapi.register(t);
  const { params } = f.parameters();
  const uri = await f.pushed(params);
  if (f.expiresIn > 120) t.skip(`it lasts ${f.expiresIn} s`);
  await t.sleep(f.expiresIn + 2);
  refused(t, await t.agent().go(f.authorizeUrl(uri)), { errors: ['invalid_request_uri'] });
}
