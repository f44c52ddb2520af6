// Consent: what is given, why and to whom, each datum in words; to refuse is as easy as to
// allow.
import { useState } from 'preact/hooks';
import { ApiProblem } from '../core/api';
import { useAction } from '../core/hooks';
import { step } from './api';
import { Action, Summary } from './parts';
import { webOf, Who, type StepProps } from './who';
import { has, t, word } from './words';

/** What a scope gives (OpenID Connect Core, 5.4, and ours). */
const SCOPES: Record<string, string[]> = {
  openid: ['sub'],
  profile: ['name', 'birthdate'],
  email: ['email'],
  phone: ['phone_number'],
  address: ['address'],
  identity: ['personal_number', 'level', 'kind'],
  offline_access: ['offline_access'],
};
/** Of several names for one thing one is shown. */
const SAME: Record<string, string> = {
  given_name: 'name', middle_name: 'name', family_name: 'name', nickname: 'name', preferred_username: 'name',
  email_verified: 'email', phone_number_verified: 'phone_number',
};
/** Always told with a sign-in, and nothing about the person. */
const SILENT = ['iss', 'aud', 'exp', 'iat', 'auth_time', 'acr', 'amr', 'sid', 'updated_at', 'nonce', 'at_hash'];

/** Each datum that scopes and single claims give, once. */
export function given(scopes: string[], claims: string[]): string[] {
  const all = [...scopes.flatMap((s) => SCOPES[s] ?? [`scope:${s}`]), ...claims].filter((c) => !SILENT.includes(c)).map((c) => SAME[c] ?? c);
  return [...new Set(all)];
}

/** A datum in words; one that we have no words for says its own name. */
function Datum({ code }: { code: string }) {
  const about = `claim_about.${code}`;
  const name = code.startsWith('scope:') ? t('claim.scope', { name: code.slice(6) }) : has(`claim.${code}`) ? word('claim', code) : t('claim.other', { name: code });
  return <><strong>{name}</strong>{has(about) && <><br /><span class="small muted">{t(about)}</span></>}</>;
}

export function Data({ scopes, claims }: { scopes: string[]; claims: string[] }) {
  return <ul class="data">{given(scopes, claims).map((c) => <li key={c}><Datum code={c} /></li>)}</ul>;
}

/** A rich request (RFC 9396): its members are the service's own, so they are shown as they are. */
function Detail({ of }: { of: Record<string, unknown> }) {
  const rows = Object.entries(of).filter(([k]) => k !== 'type').map(([k, v]) => ({ key: k, label: k, value: <span class="break">{typeof v === 'object' ? JSON.stringify(v) : String(v)}</span> }));
  return <section><h3>{String(of.type)}</h3><Summary rows={rows} /></section>;
}

export function Consent(props: StepProps) {
  const { it, take, fail } = props;
  const [choice, setChoice] = useState<boolean>();
  const decide = useAction(async (allow: boolean) => {
    setChoice(allow);
    try {
      take(await step(it.id, 'consent', { allow }));
    } catch (error) {
      setChoice(undefined);
      if (error instanceof ApiProblem) fail(error);
      else throw error;
    }
  });
  const client = it.client;
  const name = client?.name || client?.id || '';
  const policy = webOf(client?.policy_uri);
  const terms = webOf(client?.tos_uri);
  return (
    <>
      {webOf(client?.uri) && <p class="small muted">{webOf(client?.uri)!.host}</p>}
      <Who {...props} />
      <h2>{t('consent.why')}</h2>
      <p>{it.purpose || t('consent.no_purpose')}</p>
      <h2>{t('consent.what')}</h2>
      <Data scopes={it.scopes} claims={it.claims} />
      {it.authorization_details?.length ? (
        <>
          <h2>{t('consent.details')}</h2>
          {it.authorization_details.map((d, i) => <Detail key={i} of={d} />)}
        </>
      ) : null}
      <p>{t('consent.until', { client: name })}</p>
      {(policy || terms) && (
        <ul class="ways">
          {policy && <li><a href={policy.href} target="_blank" rel="noopener noreferrer">{t('consent.policy', { client: name })}</a></li>}
          {terms && <li><a href={terms.href} target="_blank" rel="noopener noreferrer">{t('consent.tos', { client: name })}</a></li>}
        </ul>
      )}
      <div class="choice">
        <Action busy={decide.busy} onClick={() => void decide.run(true)}>{t(choice === true ? 'consent.going' : 'consent.allow')}</Action>
        <Action second busy={decide.busy} onClick={() => void decide.run(false)}>{t(choice === false ? 'consent.going' : 'consent.refuse')}</Action>
      </div>
    </>
  );
}
