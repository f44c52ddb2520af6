// Not of the Foundation's suite: what RFC 9700 (Security Best Current Practice), RFC 8725 and the
// specifications' own sections on security warn of, tried on the provider one by one.
export default {
  modules: [
    'repeated-parameters', 'code-and-token-races', 'pkce-downgrade', 'browser-binding', 'cookies-and-headers', 'open-redirects',
    'confused-tokens', 'replayed-proofs', 'strangers-tokens', 'consent-and-levels', 'hostile-input', 'secrets-out-of-place',
    'signed-requests', 'device-codes', 'frozen-account', 'disabled-client',
  ],
};
