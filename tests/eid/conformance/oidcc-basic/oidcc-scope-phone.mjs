// Scope "openid phone"; skipped where scopes_supported is without it.
// Asserts: the sign-in succeeds; UserInfo has this person's sub and well-formed claims; a
// warning for each claim of the scope that the account has and UserInfo has not (phone_number, phone_number_verified);
// claims of other scopes are not there.
import { scopes } from './claims.mjs';

export default (t) => scopes(t, ['phone']);
