// The services that this account has registered: the self-service of relying parties. Registered,
// changed, tried, and watched for what they did and what failed.
import { useState } from 'preact/hooks';
import { call } from '../core/api';
import { useAction, useApi } from '../core/hooks';
import { announce, Dialog, Field, TextField } from '../core/parts';
import { go } from '../core/router';
import { Account, Refused } from './account';
import { Action, Faults, Loaded, Notice, Page, Submit, Summary, useAttempts, type Fault } from './parts';
import { since } from './times';
import { has, t, word } from './words';

interface Listed { client_id: string; client_name: string; profile: string; disabled: boolean; created_at: string; changed_at: string }
interface Metadata { client_name?: string; purpose?: string; redirect_uris?: string[]; policy_uri?: string; grant_types?: string[]; token_endpoint_auth_method?: string; [member: string]: unknown }
interface Service { client_id: string; client_secret?: string; metadata: Metadata }
interface Use { day: string; what: string; outcome: string; detail: string; count: number; last_at: string }

const BASE = '/api/eid/me/clients';
const path = (id: string) => `${BASE}/${encodeURIComponent(id)}`;
const page = (id: string) => `/eid/account/services/${encodeURIComponent(id)}`;
const SAMPLE = `${location.origin}/eid/sample`;

// ---- the form, for a new one and for changing one ----

/** What the service is decides how it authenticates and what it may ask for. */
const KINDS = {
  server: { token_endpoint_auth_method: 'client_secret_basic', grant_types: ['authorization_code', 'refresh_token'] },
  page: { token_endpoint_auth_method: 'none', grant_types: ['authorization_code', 'refresh_token'] },
  itself: { token_endpoint_auth_method: 'client_secret_basic', grant_types: ['client_credentials'], response_types: [], scope: '' },
} satisfies Record<string, Metadata>;
type Kind = keyof typeof KINDS;

const kindOf = (m: Metadata): Kind => (!m.grant_types?.includes('authorization_code') ? 'itself' : m.token_endpoint_auth_method === 'none' ? 'page' : 'server');
const lines = (text: string) => text.split('\n').map((l) => l.trim()).filter(Boolean);

function wrongAddress(text: string): boolean {
  try {
    const url = new URL(text);
    return url.hash !== '' || (url.protocol === 'http:' && !['localhost', '127.0.0.1', '[::1]'].includes(url.hostname));
  } catch {
    return true;
  }
}

function Form({ of, onSent }: { of?: Metadata; onSent: (metadata: Metadata) => Promise<void> }) {
  const [name, setName] = useState(of?.client_name ?? '');
  const [purpose, setPurpose] = useState(of?.purpose ?? '');
  const [policy, setPolicy] = useState(of?.policy_uri ?? '');
  const [addresses, setAddresses] = useState((of?.redirect_uris ?? []).join('\n'));
  const [kind, setKind] = useState<Kind>(of ? kindOf(of) : 'server');
  const tries = useAttempts();
  const send = useAction(async () => onSent({ ...of, ...(of ? {} : KINDS[kind]), client_name: name.trim(), purpose: purpose.trim(), policy_uri: policy.trim() || undefined, redirect_uris: kind === 'itself' ? undefined : lines(addresses) }));
  const faults: Fault[] = [];
  if (!name.trim()) faults.push({ id: 'name', text: t('services.name_missing') });
  if (kind !== 'itself' && !purpose.trim()) faults.push({ id: 'purpose', text: t('services.purpose_missing') });
  if (kind !== 'itself' && (!lines(addresses).length || lines(addresses).some(wrongAddress))) faults.push({ id: 'addresses', text: t('services.addresses_wrong') });
  const told = (id: string) => (tries.attempt ? faults.find((f) => f.id === id)?.text : undefined);
  return (
    <form noValidate onSubmit={(e) => { e.preventDefault(); tries.next(); if (!faults.length) void send.run(); }}>
      <Faults list={faults} attempt={tries.attempt} />
      <Refused problem={send.problem} />
      {send.problem?.body.detail && <p class="small"><code>{send.problem.body.detail}</code></p>}
      {!of && (
        <fieldset class="govuk-fieldset govuk-form-group">
          <legend class="govuk-fieldset__legend strong">{t('services.kind')}</legend>
          <div class="govuk-radios">
            {(Object.keys(KINDS) as Kind[]).map((k) => (
              <div class="govuk-radios__item" key={k}>
                <input class="govuk-radios__input" type="radio" name="kind" id={`kind-${k}`} checked={kind === k} onChange={() => setKind(k)} aria-describedby={`kind-${k}-hint`} />
                <label class="govuk-label govuk-radios__label" for={`kind-${k}`}>{t(`services.kind_${k}`)}</label>
                <div class="govuk-hint govuk-radios__hint" id={`kind-${k}-hint`}>{t(`services.kind_${k}_hint`)}</div>
              </div>
            ))}
          </div>
        </fieldset>
      )}
      <TextField id="name" label={t('services.name')} hint={t('services.name_hint')} error={told('name')} value={name} onValue={setName} autoComplete="off" maxLength={100} />
      {kind !== 'itself' && (
        <>
          <TextField id="purpose" label={t('services.purpose')} hint={t('services.purpose_hint')} error={told('purpose')} value={purpose} onValue={setPurpose} autoComplete="off" maxLength={200} />
          <Field id="addresses" label={t('services.addresses')} hint={t('services.addresses_hint')} error={told('addresses')}>
            {({ id, describedBy }) => <textarea id={id} class={`govuk-textarea ${told('addresses') ? 'govuk-textarea--error' : ''}`} rows={3} aria-describedby={describedBy} spellcheck={false} autoCapitalize="none" value={addresses} onInput={(e) => setAddresses(e.currentTarget.value)} />}
          </Field>
          <TextField id="policy" type="url" label={t('services.policy')} hint={t('services.policy_hint')} value={policy} onValue={setPolicy} autoComplete="off" />
        </>
      )}
      <Submit busy={send.busy}>{t(of ? 'services.save' : 'services.register')}</Submit>
    </form>
  );
}

/** Id and secret, and how they are used. */
function Keys({ of }: { of: Service }) {
  const [copied, setCopied] = useState('');
  const copy = async (what: string) => {
    await navigator.clipboard.writeText(what).then(() => { setCopied(what); announce(t('recovery.copied')); }, () => setCopied(''));
  };
  const row = (key: string, label: string, value: string) => ({ key, label, value: <code class="break">{value}</code>, action: <button type="button" class="plain" aria-label={`${t('recovery.copy')}: ${label}`} onClick={() => void copy(value)}>{t(copied === value ? 'recovery.copied' : 'recovery.copy')}</button> });
  return (
    <>
      {of.client_secret && <Notice tone="warn">{t('services.secret_once')}</Notice>}
      <Summary rows={[row('issuer', t('services.issuer'), location.origin), row('id', 'client_id', of.client_id), ...(of.client_secret ? [row('secret', 'client_secret', of.client_secret)] : [])]} />
    </>
  );
}

function New() {
  const [made, setMade] = useState<Service>();
  if (made)
    return (
      <Page title={t('services.made', { name: made.metadata.client_name ?? '' })} lead={t('services.made_lead')}>
        <Keys of={made} />
        <p><a class="govuk-button" href={page(made.client_id)}>{t('services.to_it')}</a></p>
      </Page>
    );
  return <Account below title={t('services.new')} lead={t('services.new_lead')}>{() => <Form onSent={async (metadata) => setMade(await call<Service>(BASE, { body: metadata, quiet401: true }))} />}</Account>;
}

// ---- one ----

function Uses({ id }: { id: string }) {
  const use = useApi<{ days: Use[] }>(`${path(id)}/use`, 10000);
  return (
    <section aria-labelledby="uses">
      <h2 id="uses">{t('services.uses')}</h2>
      <Loaded of={use}>
        {({ days }) => (days.length ? (
          <ul class="list">
            {days.map((u) => (
              <li key={`${u.day} ${u.what} ${u.outcome}`}>
                <div>
                  <strong>{has(`use.${u.what}`) ? word('use', u.what) : u.what}</strong>: {t('services.times', { n: u.count })}{' '}
                  {u.outcome ? <span class="govuk-tag govuk-tag--red">{u.outcome}</span> : <span class="govuk-tag govuk-tag--green">{t('services.good')}</span>}
                  {u.detail && <><br /><span class="break">{u.detail}</span></>}
                  <br /><span class="small muted">{u.day.split('-').reverse().join('/')} · {t('services.last', { at: since(u.last_at) })}</span>
                </div>
              </li>
            ))}
          </ul>
        ) : <p class="muted">{t('services.unused')}</p>)}
      </Loaded>
    </section>
  );
}

/** A sign-in as this service asks for it, at the sample page of this site. */
function Try({ of, reload }: { of: Service; reload: () => void }) {
  const ready = of.metadata.redirect_uris?.includes(SAMPLE) ?? false;
  const add = useAction(async () => {
    await call(path(of.client_id), { method: 'PUT', body: { ...of.metadata, redirect_uris: [...(of.metadata.redirect_uris ?? []), SAMPLE] }, quiet401: true });
    reload();
  });
  if (kindOf(of.metadata) === 'itself') return null;
  return (
    <section aria-labelledby="try">
      <h2 id="try">{t('services.try')}</h2>
      <p>{t(ready ? 'services.try_about' : 'services.try_add_about', { address: SAMPLE })}</p>
      <Refused problem={add.problem} />
      {ready ? <p><a class="govuk-button govuk-button--secondary" href={`/eid/sample?client=${encodeURIComponent(of.client_id)}`}>{t('services.try_now')}</a></p> : <Action second busy={add.busy} onClick={() => void add.run()}>{t('services.try_add')}</Action>}
    </section>
  );
}

function One({ id }: { id: string }) {
  const service = useApi<Service>(path(id));
  const [changing, setChanging] = useState(false);
  const [secret, setSecret] = useState<Service>();
  const [asking, setAsking] = useState<'secret' | 'remove'>();
  const renew = useAction(async () => {
    setAsking(undefined);
    setSecret(await call<Service>(`${path(id)}/secret`, { body: {}, quiet401: true }));
  });
  const remove = useAction(async () => {
    setAsking(undefined);
    await call(path(id), { method: 'DELETE', quiet401: true });
    go('/eid/account/services');
  });
  return (
    <Loaded of={service}>
      {(of) => (changing ? (
        <Form of={of.metadata} onSent={async (metadata) => {
          const now = await call<Service>(path(id), { method: 'PUT', body: metadata, quiet401: true });
          if (now.client_secret) setSecret(now);
          setChanging(false);
          service.reload();
        }} />
      ) : (
        <>
          <Keys of={secret ?? of} />
          <Refused problem={renew.problem ?? remove.problem} />
          <Summary rows={[
            { key: 'name', label: t('services.name'), value: of.metadata.client_name ?? '' },
            { key: 'kind', label: t('services.kind'), value: t(`services.kind_${kindOf(of.metadata)}`) },
            ...(of.metadata.purpose ? [{ key: 'purpose', label: t('services.purpose'), value: of.metadata.purpose }] : []),
            ...(of.metadata.redirect_uris?.length ? [{ key: 'addresses', label: t('services.addresses'), value: <>{of.metadata.redirect_uris.map((u) => <span class="break" key={u}>{u}<br /></span>)}</> }] : []),
          ]} />
          <div class="choice">
            <Action onClick={() => setChanging(true)}>{t('action.change')}</Action>
            {of.metadata.token_endpoint_auth_method?.startsWith('client_secret') && <Action second onClick={() => setAsking('secret')}>{t('services.renew')}</Action>}
            <Action warn onClick={() => setAsking('remove')}>{t('services.remove')}</Action>
          </div>
          <Try of={of} reload={service.reload} />
          <Uses id={id} />
          <Dialog open={!!asking} onClose={() => setAsking(undefined)} title={t(asking === 'remove' ? 'services.remove_title' : 'services.renew_title')}>
            <p>{t(asking === 'remove' ? 'services.remove_about' : 'services.renew_about')}</p>
            <div class="choice">
              <Action warn onClick={() => void (asking === 'remove' ? remove : renew).run()}>{t(asking === 'remove' ? 'services.remove' : 'services.renew')}</Action>
              <button type="button" class="plain" onClick={() => setAsking(undefined)}>{t('action.cancel')}</button>
            </div>
          </Dialog>
        </>
      ))}
    </Loaded>
  );
}

// ---- all ----

function List() {
  const all = useApi<{ clients: Listed[] }>(BASE);
  return (
    <>
      <p><a class="govuk-button" href="/eid/account/services/new">{t('services.new')}</a></p>
      <Loaded of={all}>
        {({ clients }) => (clients.length ? (
          <ul class="list">
            {clients.map((c) => (
              <li key={c.client_id}><div><a href={page(c.client_id)}><strong>{c.client_name || c.client_id}</strong></a>{c.disabled && <> <span class="govuk-tag govuk-tag--red">{t('services.disabled')}</span></>}<br /><span class="small muted"><code>{c.client_id}</code> · {t('services.since', { at: since(c.created_at) })}</span></div></li>
            ))}
          </ul>
        ) : <p class="muted">{t('services.none')}</p>)}
      </Loaded>
    </>
  );
}

export default function ServicesPage({ id }: { id?: string }) {
  if (id === 'new') return <New />;
  if (id) return <Account below title={t('services.one')}>{() => <One key={id} id={id} />}</Account>;
  return <Account title={t('nav.services')} lead={t('services.lead')}>{() => <List />}</Account>;
}
