// Subscriptions: who is sent what changes, how deliveries go, what could not be delivered.
import { Fragment } from 'preact';
import { useState } from 'preact/hooks';
import { call } from '../core/api';
import { num } from '../core/format';
import { useAction, useApi } from '../core/hooks';
import { t, title, word, type Title } from '../core/i18n';
import { PurposeGate } from '../core/purpose';
import { go } from '../core/router';
import { announce, Banner, Dialog, Empty, Grid, Loaded, Page, Problem, SelectField, Tag, TextField, Time } from '../core/ui';
import { Once, type Secret } from './once';

export interface Webhook {
  id: string; source: string; url: string; title: string; state: string; reason: string | null; filter: { type?: string } | null; principal: string; purpose: string;
  created_at: string | null; seq: number; pending_attempts: number; next_at: string | null; delivered: number; failed: number; dead: number;
  last_at: string | null; last_status: number; last_error: string | null; old_secret_until: string | null;
}
interface Attempt { at: string; took_ms: number; message: string; events: number; attempt: number; status: number; error: string | null }
interface Dead { message: string; events: number; attempts: number; at: string; error: string; queued: boolean }
interface Detail extends Webhook { attempts: Attempt[]; dead_letters: Dead[] }

const path = (id: string) => `/api/webhooks/${encodeURIComponent(id)}`;

function New({ sources, onDone, onSecret }: { sources: { name: string; title: Title }[]; onDone: () => void; onSecret: (s: Secret) => void }) {
  const [source, setSource] = useState(sources[0]?.name ?? '');
  const [url, setUrl] = useState('');
  const [name, setName] = useState('');
  const [type, setType] = useState('');
  const [touched, setTouched] = useState(false);
  const good = /^https?:\/\/[^\s/]+/.test(url.trim());
  const add = useAction(async () => {
    const made = await call<{ id: string; secret: string }>('/api/webhooks', { body: { source, url: url.trim(), title: name.trim(), ...(type ? { filter: { type } } : {}) } });
    onDone();
    onSecret({ what: t('webhook.made'), name: made.id, value: made.secret });
  });
  return (
    <form noValidate onSubmit={(e) => { e.preventDefault(); setTouched(true); if (good) void add.run(); }}>
      {add.problem && <Problem problem={add.problem} focus />}
      <SelectField label={t('webhook.source')} value={source} onValue={setSource} options={sources.map((s) => ({ value: s.name, text: title(s.title) }))} />
      <TextField label={t('webhook.url')} hint={t('webhook.url_hint')} value={url} type="url" autoComplete="off" onValue={setUrl} error={touched && !good ? t('webhook.url_missing') : undefined} />
      <TextField label={t('webhook.name')} value={name} maxLength={200} autoComplete="off" onValue={setName} />
      <SelectField label={t('change.type')} value={type} onValue={setType} options={[{ value: '', text: t('form.all') }, { value: 'person', text: word('entity', 'person') }, { value: 'organisation', text: word('entity', 'organisation') }]} />
      <div class="actions"><button type="submit" class="govuk-button" aria-disabled={add.busy}>{t('webhook.add')}</button><button type="button" class="plain" onClick={onDone}>{t('action.cancel')}</button></div>
    </form>
  );
}

function List() {
  const hooks = useApi<{ webhooks: Webhook[] }>('/api/webhooks', 5000);
  const sources = useApi<{ sources: { name: string; title: Title }[] }>('/api/webhooks/sources');
  const [adding, setAdding] = useState(false);
  const [secret, setSecret] = useState<Secret | null>(null);
  return (
    <Page title={t('webhook.title')} lead={t('webhook.lead')}>
      <p><button type="button" class="govuk-button" onClick={() => setAdding(true)}>{t('webhook.add')}</button></p>
      <Loaded of={hooks} lines={6}>
        {(data) => (
          <section class="card tight" aria-label={t('webhook.title')}>
            <Grid caption={t('webhook.title')} rows={data.webhooks} id={(w) => w.id} empty={<Empty title={t('webhook.none')}><p>{t('webhook.none_detail')}</p></Empty>}
              columns={[
                { key: 'name', label: t('webhook.name'), cell: (w) => <><a href={`/webhooks/${encodeURIComponent(w.id)}`}>{w.title || w.id}</a><br /><span class="muted small thin break">{w.url}</span></> },
                { key: 'state', label: t('run.state'), cell: (w) => <Tag group="webhook_state" code={w.state === 'active' && w.pending_attempts > 0 ? 'retrying' : w.state} /> },
                { key: 'delivered', label: t('webhook.delivered'), num: true, cell: (w) => num(w.delivered) },
                { key: 'failed', label: t('webhook.failed'), num: true, cell: (w) => num(w.failed) },
                { key: 'dead', label: t('webhook.dead'), num: true, cell: (w) => num(w.dead) },
                { key: 'last', label: t('webhook.last'), cell: (w) => <><Time at={w.last_at} />{w.last_error && <><br /><span class="muted small">{w.last_error}</span></>}</> },
              ]} />
          </section>
        )}
      </Loaded>
      <Dialog open={adding} onClose={() => setAdding(false)} title={t('webhook.add')}>
        <PurposeGate><New sources={sources.data?.sources ?? []} onDone={() => { setAdding(false); hooks.reload(); }} onSecret={setSecret} /></PurposeGate>
      </Dialog>
      <Once secret={secret} onClose={() => setSecret(null)} />
    </Page>
  );
}

function Facts({ of }: { of: Detail }) {
  const rows: [string, preact.ComponentChildren][] = [
    [t('webhook.url'), <span class="break">{of.url}</span>],
    [t('run.state'), <Tag group="webhook_state" code={of.state === 'active' && of.pending_attempts > 0 ? 'retrying' : of.state} />],
    [t('change.type'), of.filter?.type ? word('entity', of.filter.type) : t('form.all')],
    [t('webhook.place'), num(of.seq)],
    [t('webhook.delivered'), num(of.delivered)],
    [t('webhook.purpose'), <code>{of.purpose}</code>],
    [t('webhook.by'), of.principal],
    [t('webhook.since'), <Time at={of.created_at} />],
  ];
  return <dl class="facts">{rows.map(([name, what]) => <Fragment key={name}><dt>{name}</dt><dd>{what}</dd></Fragment>)}</dl>;
}

function One({ id }: { id: string }) {
  const hook = useApi<Detail>(path(id), 3000);
  const [secret, setSecret] = useState<Secret | null>(null);
  const [ending, setEnding] = useState(false);
  const [said, setSaid] = useState('');
  const tell = (text: string) => {
    setSaid(text);
    announce(text);
  };
  const test = useAction(async () => {
    const r = await call<{ good: boolean; status: number; took_ms: number; error: string | null }>(`${path(id)}/test`, { method: 'POST', body: {} });
    tell(r.good ? t('webhook.test_good', { status: r.status, ms: num(r.took_ms) }) : t('webhook.test_bad', { error: r.error ?? String(r.status) }));
  });
  const rotate = useAction(async () => {
    const r = await call<{ secret: string }>(`${path(id)}/secret`, { method: 'POST', body: {} });
    setSecret({ what: t('webhook.rotated'), name: id, value: r.secret });
    hook.reload();
  });
  const state = useAction(async (next: string) => {
    await call(`${path(id)}/state`, { body: { state: next } });
    hook.reload();
  });
  const retry = useAction(async (message: string) => {
    await call(`${path(id)}/dead/${encodeURIComponent(message)}/retry`, { method: 'POST', body: {} });
    tell(t('webhook.queued'));
    hook.reload();
  });
  const end = useAction(async () => {
    await call(path(id), { method: 'DELETE' });
    go('/webhooks');
  });
  const failed = test.problem ?? rotate.problem ?? state.problem ?? retry.problem;
  return (
    <Page title={hook.data?.title || id} crumbs={[{ href: '/webhooks', text: t('webhook.title') }]}>
      {said && <Banner>{said}</Banner>}
      {failed && <Problem problem={failed} focus />}
      <Loaded of={hook} lines={8}>
        {(of) => (
          <>
            {of.reason && <Banner>{of.reason}</Banner>}
            <section class="card" aria-label={t('webhook.about')}>
              <Facts of={of} />
              <div class="actions">
                <button type="button" class="govuk-button govuk-button--secondary" aria-disabled={test.busy} onClick={() => void test.run()}>{t('webhook.test')}</button>
                <button type="button" class="govuk-button govuk-button--secondary" onClick={() => void state.run(of.state === 'active' ? 'paused' : 'active')}>{t(of.state === 'active' ? 'webhook.pause' : 'webhook.go_on')}</button>
                <button type="button" class="govuk-button govuk-button--secondary" onClick={() => void rotate.run()}>{t('webhook.rotate')}</button>
                <button type="button" class="plain" onClick={() => { end.clear(); setEnding(true); }}>{t('webhook.end')}</button>
              </div>
              {of.old_secret_until && <p class="muted">{t('webhook.both')} <Time at={of.old_secret_until} /></p>}
            </section>
            <section class="card tight" aria-label={t('webhook.dead')}>
              <h2>{t('webhook.dead')}</h2>
              <Grid caption={t('webhook.dead')} rows={of.dead_letters} id={(d) => d.message} empty={<p class="pad">{t('webhook.no_dead')}</p>}
                columns={[
                  { key: 'message', label: t('webhook.message'), cell: (d) => <span class="mono break">{d.message}</span> },
                  { key: 'events', label: t('webhook.events'), num: true, cell: (d) => num(d.events) },
                  { key: 'attempts', label: t('webhook.attempts'), num: true, cell: (d) => num(d.attempts) },
                  { key: 'error', label: t('webhook.error'), cell: (d) => d.error },
                  { key: 'at', label: t('webhook.at'), cell: (d) => <Time at={d.at} /> },
                  { key: 'do', label: t('access.actions'), cell: (d) => (d.queued ? t('webhook.is_queued') : <button type="button" class="plain" aria-label={`${t('webhook.again')}: ${d.message}`} onClick={() => void retry.run(d.message)}>{t('webhook.again')}</button>) },
                ]} />
            </section>
            <section class="card tight" aria-label={t('webhook.log')}>
              <h2>{t('webhook.log')}</h2>
              <Grid caption={t('webhook.log')} rows={of.attempts} id={(a, i) => `${a.message} ${a.at} ${i}`} empty={<p class="pad">{t('webhook.no_log')}</p>}
                columns={[
                  { key: 'at', label: t('webhook.at'), cell: (a) => <Time at={a.at} /> },
                  { key: 'result', label: t('webhook.result'), cell: (a) => <><strong class={`govuk-tag govuk-tag--${a.error ? 'red' : 'green'}`}>{a.status || t('webhook.no_answer')}</strong>{a.error && <> <span class="small">{a.error}</span></>}</> },
                  { key: 'events', label: t('webhook.events'), num: true, cell: (a) => num(a.events) },
                  { key: 'attempt', label: t('webhook.attempt'), num: true, cell: (a) => num(a.attempt) },
                  { key: 'took', label: t('run.took'), num: true, cell: (a) => `${num(a.took_ms)} ms` },
                  { key: 'message', label: t('webhook.message'), cell: (a) => <span class="mono small break">{a.message}</span> },
                ]} />
            </section>
          </>
        )}
      </Loaded>
      <Dialog open={ending} onClose={() => setEnding(false)} title={t('webhook.end_title')}>
        {end.problem && <Problem problem={end.problem} focus />}
        <p>{t('webhook.end_detail')}</p>
        <div class="actions"><button type="button" class="govuk-button govuk-button--warning" onClick={() => void end.run()}>{t('webhook.end')}</button><button type="button" class="plain" onClick={() => setEnding(false)}>{t('action.cancel')}</button></div>
      </Dialog>
      <Once secret={secret} onClose={() => setSecret(null)} />
    </Page>
  );
}

export default function WebhooksPage({ id }: { id?: string }) {
  return id ? <One key={id} id={id} /> : <List />;
}
