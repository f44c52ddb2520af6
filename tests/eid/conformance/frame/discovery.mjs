// The discovery document, member by member (OpenID Discovery 1.0, 3; RFC 8414, 2).
const isText = (v) => typeof v === 'string' && v.length > 0;
const isList = (v) => Array.isArray(v) && v.length > 0 && v.every(isText);
const isBool = (v) => typeof v === 'boolean';

const LISTS = ['scopes_supported', 'response_types_supported', 'response_modes_supported', 'grant_types_supported', 'acr_values_supported',
  'subject_types_supported', 'id_token_signing_alg_values_supported', 'userinfo_signing_alg_values_supported', 'request_object_signing_alg_values_supported',
  'token_endpoint_auth_methods_supported', 'token_endpoint_auth_signing_alg_values_supported', 'introspection_endpoint_auth_methods_supported',
  'revocation_endpoint_auth_methods_supported', 'display_values_supported', 'claim_types_supported', 'claims_supported', 'claims_locales_supported',
  'ui_locales_supported', 'code_challenge_methods_supported', 'dpop_signing_alg_values_supported', 'prompt_values_supported'];
const FLAGS = ['claims_parameter_supported', 'request_parameter_supported', 'request_uri_parameter_supported', 'require_request_uri_registration',
  'require_pushed_authorization_requests', 'tls_client_certificate_bound_access_tokens', 'authorization_response_iss_parameter_supported',
  'backchannel_logout_supported', 'backchannel_logout_session_supported', 'frontchannel_logout_supported', 'require_signed_request_object'];

/** The document itself, and what all plans ask of it. */
export async function document(t, path = '/.well-known/openid-configuration') {
  const answer = await t.request(`${t.target.issuer}${path}`);
  t.need('the document is there', answer.status === 200 && answer.json, answer.status);
  t.check('it is JSON', answer.type === 'application/json', answer.type);
  const d = answer.json;
  t.equal('issuer is where it was found', d.issuer, t.target.issuer);
  const issuer = new URL(d.issuer);
  t.check('issuer is https, without query and fragment', issuer.protocol === 'https:' && !issuer.search && !issuer.hash, d.issuer);
  for (const name of LISTS) if (name in d) t.check(`${name} is a list of texts`, isList(d[name]), d[name]);
  for (const name of FLAGS) if (name in d) t.check(`${name} is true or false`, isBool(d[name]), d[name]);
  for (const [name, value] of Object.entries(d)) {
    if (!/(_endpoint|_uri|^service_documentation)$/.test(name)) continue;
    t.check(`${name} is an https address without fragment`, isText(value) && URL.canParse(value) && new URL(value).protocol === 'https:' && !value.includes('#'), value);
  }
  const scopes = d.scopes_supported ?? [];
  t.check('scopes have the characters of RFC 6749, 3.3', scopes.every((s) => /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(s)), scopes);
  for (const name of ['ui_locales_supported', 'claims_locales_supported']) {
    for (const tag of d[name] ?? []) t.check(`${name}: ${tag} is a language tag as BCP 47 writes it`, Intl.getCanonicalLocales(tag)[0] === tag, tag);
  }
  return d;
}

export const has = (t, d, name, ...wanted) => t.check(`${name} has ${wanted.join(' and ')}`, wanted.every((w) => d[name]?.includes(w)), d[name]);
export const hasOne = (t, d, name, ...wanted) => t.check(`${name} has one of ${wanted.join(', ')}`, wanted.some((w) => d[name]?.includes(w)), d[name]);
