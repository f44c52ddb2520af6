// Scope "openid address"; skipped where scopes_supported is without it.
// Asserts: the sign-in succeeds; UserInfo has this person's sub and well-formed claims; a
// warning for each claim of the scope that the account has and UserInfo has not (address);
// claims of other scopes are not there.
import { scopes } from './claims.mjs';

export default (t) => scopes(t, ['address']);
