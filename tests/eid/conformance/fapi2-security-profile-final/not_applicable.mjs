// What of the profile's modules a plain provider is not asked, as the original has it.
const name = (n) => `fapi2-security-profile-final-${n}`;

export const notApplicable = {
  [name('ensure-registered-redirect-uri')]: 'not for plain_fapi: plain-fapi-tolerate-unregistered-redirect-uri stands for it',
  [name('australia-connectid-ensure-invalid-purpose-fails')]: 'the profile of ConnectID Australia',
  [name('australia-connectid-test-claims-parameter-idtoken-identity-claims')]: 'the profile of ConnectID Australia',
  [name('brazil-ensure-bad-payment-signature-fails')]: 'the profile of Open Finance Brasil',
  [name('ensure-server-handles-non-matching-intent-id')]: 'the profile of Open Banking UK',
  [name('test-essential-acr-sca-claim')]: 'the profile of Open Banking UK',
};

/** Modules about DPoP, where tokens are bound to certificates. */
export const withoutDpop = (modules) => modules.filter((m) => /dpop/.test(m));
