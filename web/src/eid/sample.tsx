// A service to try signing in to: a client as any page without a server is one (no secret, PKCE),
// with nothing of the provider but its published addresses. It keeps its registration and the one
// attempt in this tab, and of the person nothing.
import { useEffect, useState } from 'preact/hooks';
import { ApiProblem } from '../core/api';
import { useAction } from '../core/hooks';
import { Action, Notice, Page, Problem, readDay, Summary, type Row } from './parts';
import { has, t } from './words';

interface Known { issuer: string; authorization_endpoint: string; token_endpoint: string; userinfo_endpoint: string; registration_endpoint: string; end_session_endpoint: string; jwks_uri: string }
interface Attempt { client: string; own: boolean; state: string; nonce: string; verifier: string; verified: boolean }
interface Given { idToken: string; claims: Record<string, unknown>; signed: boolean; person: Record<string, unknown> }
interface Verified { verification: { evidence?: { record?: { source?: { name?: string } } }[] }; claims: Record<string, unknown> }

const HERE = `${location.origin}/eid/sample`;
const KEPT = 'ndc_sample';

const text = (bytes: Uint8Array) => btoa(String.fromCharCode(...bytes)).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');
const bytes = (part: string) => Uint8Array.from(atob(part.replace(/-/g, '+').replace(/_/g, '/')), (c) => c.charCodeAt(0));
const random = () => text(crypto.getRandomValues(new Uint8Array(32)));
const json = (part: string) => JSON.parse(new TextDecoder().decode(bytes(part))) as Record<string, unknown>;

/** An answer of the provider, or its error in its own words (RFC 6749, 5.2). */
async function ask<T>(url: string, init?: RequestInit): Promise<T> {
  const answer = await fetch(url, init).catch(() => null);
  if (!answer) throw new ApiProblem({ status: 0 });
  const body = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new ApiProblem({ status: answer.status, title: body.error, detail: body.error_description, code: `sample.${body.error}` });
  return body as T;
}

const known = () => ask<Known>('/.well-known/openid-configuration');

/** Registers this page as a client (RFC 7591). */
async function register(to: Known): Promise<string> {
  const metadata = { client_name: t('sample.name'), client_uri: HERE, redirect_uris: [HERE], post_logout_redirect_uris: [HERE], grant_types: ['authorization_code'], token_endpoint_auth_method: 'none', purpose: t('sample.purpose') };
  return (await ask<{ client_id: string }>(to.registration_endpoint, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(metadata) })).client_id;
}

async function signIn(verified: boolean, own: string) {
  const to = await known();
  const kept = JSON.parse(sessionStorage.getItem(KEPT) ?? '{}') as Partial<Attempt>;
  const client = own || (!kept.own && kept.client) || await register(to);
  const attempt: Attempt = { client, own: !!own, state: random(), nonce: random(), verifier: random(), verified };
  sessionStorage.setItem(KEPT, JSON.stringify(attempt));
  const challenge = text(new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(attempt.verifier))));
  const query = new URLSearchParams({ client_id: client, redirect_uri: HERE, response_type: 'code', scope: 'openid profile', state: attempt.state, nonce: attempt.nonce, code_challenge: challenge, code_challenge_method: 'S256' });
  if (verified) query.set('claims', JSON.stringify({ userinfo: { verified_claims: { verification: { trust_framework: null, evidence: null }, claims: { birthdate: null, gender: null, address: null } } } }));
  location.assign(`${to.authorization_endpoint}?${query}`);
}

/** Whether the ID token is signed by one of the provider's keys. */
async function signed(to: Known, token: string): Promise<boolean> {
  const [head, body, signature] = token.split('.') as [string, string, string];
  const { kid } = json(head) as { kid?: string };
  const { keys } = await ask<{ keys: (JsonWebKey & { kid: string })[] }>(to.jwks_uri);
  const jwk = keys.find((k) => k.kid === kid);
  if (!jwk) return false;
  const algorithm = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };
  const key = await crypto.subtle.importKey('jwk', jwk, algorithm, false, ['verify']);
  return crypto.subtle.verify(algorithm, key, bytes(signature), new TextEncoder().encode(`${head}.${body}`));
}

/** What the code is worth: ID token and UserInfo. */
async function take(query: URLSearchParams): Promise<Given> {
  const kept = JSON.parse(sessionStorage.getItem(KEPT) ?? '{}') as Partial<Attempt>;
  if (!kept.verifier || query.get('state') !== kept.state) throw new ApiProblem({ status: 400, code: 'sample.state' });
  sessionStorage.setItem(KEPT, JSON.stringify({ client: kept.client, own: kept.own }));
  if (query.get('error')) throw new ApiProblem({ status: 400, title: query.get('error')!, detail: query.get('error_description') ?? undefined, code: `sample.${query.get('error')}` });
  const to = await known();
  const form = new URLSearchParams({ grant_type: 'authorization_code', client_id: kept.client!, redirect_uri: HERE, code: query.get('code') ?? '', code_verifier: kept.verifier });
  const tokens = await ask<{ access_token: string; id_token: string }>(to.token_endpoint, { method: 'POST', body: form });
  const claims = json(tokens.id_token.split('.')[1]!);
  const good = await signed(to, tokens.id_token) && claims.nonce === kept.nonce && claims.iss === to.issuer && claims.aud === kept.client;
  const person = await ask<Record<string, unknown>>(to.userinfo_endpoint, { headers: { Authorization: `Bearer ${tokens.access_token}` } });
  return { idToken: tokens.id_token, claims, signed: good, person };
}

const labelOf = (claim: string) => (has(`claim.${claim}`) ? t(`claim.${claim}` as 'claim.name') : claim);
const shown = (value: unknown): string => (value === 'male' || value === 'female' ? t(`sample.${value}`) : typeof value === 'string' && /^\d{4}-\d\d-\d\d$/.test(value) ? readDay(value) : typeof value === 'object' && value !== null ? (value as { formatted?: string }).formatted ?? JSON.stringify(value) : String(value));

function Told({ given, onOut }: { given: Given; onOut: () => void }) {
  const { verified_claims: verified, ...plain } = given.person;
  const rows: Row[] = ['name', 'birthdate', 'sub'].filter((c) => plain[c] !== undefined).map((c) => ({ key: c, label: labelOf(c), value: <span class="break">{shown(plain[c])}</span> }));
  return (
    <>
      <Notice tone={given.signed ? undefined : 'warn'}>{t(given.signed ? 'sample.signed' : 'sample.unsigned')}</Notice>
      <h2>{t('sample.who')}</h2>
      <Summary rows={rows} />
      {Array.isArray(verified) && (verified as Verified[]).map((v, i) => (
        <section key={i}>
          <h2>{t('sample.from', { source: v.verification.evidence?.[0]?.record?.source?.name ?? '' })}</h2>
          <Summary rows={Object.entries(v.claims).map(([c, value]) => ({ key: c, label: labelOf(c), value: shown(value) }))} />
        </section>
      ))}
      <details class="govuk-details">
        <summary class="govuk-details__summary"><span class="govuk-details__summary-text">{t('sample.raw')}</span></summary>
        <div class="govuk-details__text">
          <p>{t('sample.id_token')}</p><pre class="record" tabIndex={0}>{JSON.stringify(given.claims, null, 2)}</pre>
          <p>{t('sample.userinfo')}</p><pre class="record" tabIndex={0}>{JSON.stringify(given.person, null, 2)}</pre>
        </div>
      </details>
      <p><a class="govuk-button govuk-button--secondary" href="/eid/account/sharing">{t('sample.take_back')}</a></p>
      <p><button type="button" class="plain" onClick={onOut}>{t('action.sign_out')}</button></p>
    </>
  );
}

function Start({ problem, own }: { problem?: ApiProblem; own: string }) {
  const [verified, setVerified] = useState(false);
  const go = useAction(() => signIn(verified, own));
  const failed = go.problem ?? problem;
  return (
    <Page title={t('sample.title')} lead={own ? t('sample.lead_of', { client: own }) : t('sample.lead')}>
      {failed && (
        <Problem problem={failed}>
          {failed.body.title && <p class="small"><code>{failed.body.title}</code>{failed.body.detail ? `: ${failed.body.detail}` : ''}</p>}
        </Problem>
      )}
      <p>{t('sample.asks')}</p>
      <div class="govuk-checkboxes govuk-form-group">
        <div class="govuk-checkboxes__item">
          <input class="govuk-checkboxes__input" type="checkbox" id="verified" checked={verified} onChange={(e) => setVerified(e.currentTarget.checked)} />
          <label class="govuk-label govuk-checkboxes__label" for="verified">{t('sample.verified')}</label>
        </div>
      </div>
      <Action busy={go.busy} onClick={() => void go.run()}>{t('sample.sign_in')}</Action>
      <p class="small muted">{t('sample.about')}</p>
    </Page>
  );
}

export default function SamplePage() {
  const [query] = useState(() => new URLSearchParams(location.search));
  const back = query.has('code') || query.has('error');
  const [given, setGiven] = useState<Given>();
  const come = useAction(async () => setGiven(await take(query)));
  const out = useAction(async () => {
    const to = await known();
    location.assign(`${to.end_session_endpoint}?${new URLSearchParams({ id_token_hint: given!.idToken, post_logout_redirect_uri: HERE })}`);
  });
  useEffect(() => {
    if (!back) return;
    history.replaceState(null, '', '/eid/sample'); // the code is used up, and no page's address
    void come.run();
  }, []);
  if (given) return <Page title={t('sample.hello')} lead={t('sample.given')}>{out.problem && <Problem problem={out.problem} />}<Told given={given} onOut={() => void out.run()} /></Page>;
  if (come.busy || (back && !come.problem)) return <Page title={t('sample.title')}><p aria-busy="true">{t('sample.waiting')}</p></Page>;
  return <Start problem={come.problem} own={query.get('client') ?? ''} />;
}
