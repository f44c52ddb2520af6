// fapi2-security-profile-final-test-plan with private_key_jwt and DPoP, plain requests,
// OpenID Connect, plain_fapi. Client authentication by mTLS is not offered by the provider.
import { modules } from './modules.mjs';
import { notApplicable } from './not_applicable.mjs';

export default { options: { fapi: true, tls: true, sender: 'dpop' }, modules, notApplicable };
