// fapi2-message-signing-final-test-plan with signed requests and plain responses: the modules
// of the security profile again, each request a signed object, and those on such objects.
// private_key_jwt and DPoP. Signed responses (JARM) are not offered by the provider.
import { modules } from '../fapi2-security-profile-final/modules.mjs';
import { notApplicable } from '../fapi2-security-profile-final/not_applicable.mjs';

const name = (n) => `fapi2-security-profile-final-${n}`;

const objects = [
  'ensure-request-object-with-multiple-aud-succeeds',
  'ensure-request-object-with-nbf-8-seconds-in-the-future-is-accepted',
  'ensure-request-object-without-exp-fails',
  'ensure-request-object-without-nbf-fails',
  'ensure-expired-request-object-fails',
  'ensure-request-object-with-bad-aud-fails',
  'ensure-request-object-with-exp-over-60-fails',
  'ensure-request-object-with-nbf-over-60-fails',
  'ensure-signed-request-object-with-RS256-fails',
  'ensure-request-object-signature-algorithm-is-not-none',
  'ensure-request-object-with-invalid-signature-fails',
  'ensure-matching-key-in-authorization-request',
  'ensure-unsigned-request-at-par-endpoint-fails',
  'par-authorization-request-containing-request_uri',
].map(name);

export default {
  folders: ['fapi2-message-signing-final', 'fapi2-security-profile-final'],
  options: { fapi: true, tls: true, sender: 'dpop', signed: true },
  modules: [...modules, ...objects],
  notApplicable: {
    ...notApplicable,
    [name('australia-connectid-ensure-request-object-with-exp-over-10-fails')]: 'the profile of ConnectID Australia',
    [name('australia-connectid-ensure-request-object-with-nbf-over-15-fails')]: 'the profile of ConnectID Australia',
  },
};
