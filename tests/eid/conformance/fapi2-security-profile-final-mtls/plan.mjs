// The same plan with private_key_jwt and access tokens that are bound to a certificate.
import { modules } from '../fapi2-security-profile-final/modules.mjs';
import { notApplicable, withoutDpop } from '../fapi2-security-profile-final/not_applicable.mjs';

const dpop = withoutDpop(modules);

export default {
  folders: 'fapi2-security-profile-final',
  options: { fapi: true, tls: true, sender: 'mtls' },
  modules: modules.filter((m) => !dpop.includes(m)),
  notApplicable: { ...notApplicable, ...Object.fromEntries(dpop.map((m) => [m, 'DPoP, where certificates bind'])) },
};
