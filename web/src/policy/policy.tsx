// The law as rules: purposes, classes of fields, rules in force, and "what would happen if".
import { useState } from 'preact/hooks';
import { call } from '../core/api';
import { num } from '../core/format';
import { useAction, useApi } from '../core/hooks';
import { t, title, word, type Title } from '../core/i18n';
import { useQuery } from '../core/router';
import { Field, Grid, Loaded, Page, Problem, SelectField, Tag, TextField } from '../core/ui';
import { ClassTags } from '../registry/classes';
import { Volumes } from './volumes';

interface Purpose { code: string; title: Title; laws?: Title[]; needs_legal_basis?: boolean; needs_consent?: boolean; kinds?: string[]; actions?: string[]; entities?: string[]; fields?: string[] }
interface Rule { id: string; title: Title; reason?: Title; effect: string; mask?: string; when: Record<string, unknown>; fields: string[]; file: string; line: number }
interface PolicyField { id: number; code: string; title: Title; entity: string; kind: string; sharing: string; importance: string; personal: string; mask: string }
interface Agency { code: string; title: Title }
interface Explained {
  outcome: string; code?: string; reason_vi?: string; reason_en?: string; rule?: string; rule_title_vi?: string; rule_title_en?: string; obligations: string[]; version: number;
  fields: { code: string; title?: Title; title_vi?: string; title_en?: string; sharing: string; importance: string; personal: string; decision: string; mask?: string; rule?: string; reason?: Title; reason_vi?: string; reason_en?: string; needed?: Title; needed_vi?: string; needed_en?: string }[];
}

const tabs = ['explain', 'purposes', 'fields', 'rules', 'volumes'] as const;
const KINDS = ['anonymous', 'person', 'business', 'official', 'system', 'operator', 'platform'];
const ACTIONS = ['read', 'search', 'match', 'export', 'write', 'count'];
const either = (of: Title | undefined, vi?: string, en?: string) => title(of ?? { vi, en });

function Purposes() {
  const purposes = useApi<{ purposes: Purpose[] }>('/api/policy/purposes');
  return (
    <Loaded of={purposes}>
      {(data) => (
        <section class="card tight" aria-label={t('policy.tab_purposes')}>
          <Grid caption={t('policy.tab_purposes')} rows={data.purposes} id={(p) => p.code}
            columns={[
              { key: 'title', label: t('purpose.purpose'), cell: (p) => <>{title(p.title)}<br /><code class="muted thin">{p.code}</code></> },
              { key: 'laws', label: t('purpose.basis'), cell: (p) => (p.laws ?? []).map((l) => title(l)).join('; ') },
              { key: 'kinds', label: t('policy.kinds'), cell: (p) => (p.kinds ?? []).map((k) => word('kind', k)).join(', ') },
              { key: 'actions', label: t('policy.actions'), cell: (p) => (p.actions ?? []).map((a) => word('action_name', a)).join(', ') },
              { key: 'consent', label: t('policy.consent'), cell: (p) => (p.needs_consent ? t('yes') : t('no')) },
              { key: 'fields', label: t('policy.most_fields'), num: true, cell: (p) => num(p.fields?.length) },
            ]} />
        </section>
      )}
    </Loaded>
  );
}

function Fields() {
  const fields = useApi<{ fields: PolicyField[] }>('/api/policy/fields');
  const [param, setParam] = useQuery();
  const entity = param('entity');
  return (
    <>
      <div class="filters"><SelectField label={t('source.entity')} value={entity} onValue={(e) => setParam({ entity: e }, true)} options={[{ value: '', text: t('form.all') }, ...['person', 'organisation'].map((e) => ({ value: e, text: word('entity', e) }))]} /></div>
      <Loaded of={fields}>
        {(data) => (
          <section class="card tight" aria-label={t('policy.tab_fields')}>
            <Grid caption={t('policy.tab_fields')} rows={data.fields.filter((f) => !entity || f.entity === entity)} id={(f) => f.code}
              columns={[
                { key: 'title', label: t('person.field'), cell: (f) => <>{title(f.title)}<br /><code class="muted thin">{f.code}</code></> },
                { key: 'entity', label: t('source.entity'), cell: (f) => word('entity', f.entity) },
                { key: 'class', label: t('field.class'), cell: (f) => <ClassTags of={f} /> },
                { key: 'mask', label: t('policy.usual_mask'), cell: (f) => word('mask', f.mask) },
              ]} />
          </section>
        )}
      </Loaded>
    </>
  );
}

const list = (value: unknown): string => (Array.isArray(value) ? value.join(', ') : String(value));

function Rules() {
  const rules = useApi<{ version: number; rules: Rule[] }>('/api/policy/rules');
  return (
    <Loaded of={rules}>
      {(data) => (
        <section class="card tight" aria-label={t('policy.tab_rules')}>
          <p class="pad muted small">{t('policy.rules_lead', { n: num(data.rules.length), version: data.version })}</p>
          <Grid caption={t('policy.tab_rules')} rows={data.rules} id={(r) => r.id}
            columns={[
              { key: 'id', label: t('policy.rule'), cell: (r) => <>{title(r.title)}<br /><code class="muted thin">{r.id}</code></> },
              { key: 'effect', label: t('policy.effect'), cell: (r) => <><Tag group="effect" code={r.effect} />{r.mask && <><br /><span class="small">{word('mask', r.mask)}</span></>}</> },
              { key: 'when', label: t('policy.when'), cell: (r) => <ul class="plain-list">{Object.entries(r.when).map(([k, v]) => <li key={k}><span class="muted">{word('when', k)}:</span> {k === 'kind' ? (v as string[]).map((x) => word('kind', x)).join(', ') : k === 'action' ? (v as string[]).map((x) => word('action_name', x)).join(', ') : list(v)}</li>)}</ul> },
              { key: 'fields', label: t('source.fields'), cell: (r) => (r.fields.length > 6 ? <details><summary>{t('policy.n_fields', { n: num(r.fields.length) })}</summary>{r.fields.join(', ')}</details> : r.fields.join(', ')) },
              { key: 'at', label: t('policy.file'), cell: (r) => <code class="muted">{r.file.split('/').pop()}:{r.line}</code> },
            ]} />
        </section>
      )}
    </Loaded>
  );
}

function Explain() {
  const purposes = useApi<{ purposes: Purpose[] }>('/api/policy/purposes');
  const agencies = useApi<{ agencies: Agency[] }>('/api/policy/agencies');
  const [kind, setKind] = useState('official');
  const [agency, setAgency] = useState('');
  const [roles, setRoles] = useState('');
  const [purpose, setPurpose] = useState('');
  const [basis, setBasis] = useState('');
  const [action, setAction] = useState('read');
  const [entity, setEntity] = useState('person');
  const [consent, setConsent] = useState('none');
  const [own, setOwn] = useState(false);
  const [subjects, setSubjects] = useState('1');
  const [touched, setTouched] = useState(false);
  const [answer, setAnswer] = useState<Explained>();
  const ask = useAction(async () => {
    setAnswer(await call<Explained>('/api/policy/explain', {
      body: {
        kind, agency, roles: roles.split(/[\s,]+/).filter(Boolean), purpose, legal_basis: basis, action, entity, consent,
        subjects: Math.max(1, Number(subjects) || 1), ...(own ? { own_id: 'P-SELF', subject: 'P-SELF' } : {}),
      },
    }));
  });
  return (
    <>
      <p class="muted">{t('policy.explain_lead')}</p>
      <form class="card" noValidate onSubmit={(e) => { e.preventDefault(); setTouched(true); if (purpose) void ask.run(); }}>
        <div class="form-grid">
          <SelectField label={t('policy.kind')} value={kind} onValue={setKind} options={KINDS.map((k) => ({ value: k, text: word('kind', k) }))} />
          <SelectField label={t('access.agency')} value={agency} onValue={setAgency} options={[{ value: '', text: t('policy.no_agency') }, ...(agencies.data?.agencies ?? []).map((a) => ({ value: a.code, text: title(a.title) }))]} />
          <TextField label={t('access.roles')} value={roles} onValue={setRoles} autoComplete="off" />
          <SelectField label={t('purpose.purpose')} value={purpose} error={touched && !purpose ? t('purpose.choose') : undefined}
            onValue={(code) => { setPurpose(code); setBasis(title(purposes.data?.purposes.find((p) => p.code === code)?.laws?.[0])); }}
            options={[{ value: '', text: t('form.choose') }, ...(purposes.data?.purposes ?? []).map((p) => ({ value: p.code, text: title(p.title) }))]} />
          <TextField label={t('purpose.basis')} value={basis} onValue={setBasis} autoComplete="off" />
          <SelectField label={t('policy.action')} value={action} onValue={setAction} options={ACTIONS.map((a) => ({ value: a, text: word('action_name', a) }))} />
          <SelectField label={t('source.entity')} value={entity} onValue={setEntity} options={['person', 'organisation'].map((e) => ({ value: e, text: word('entity', e) }))} />
          <SelectField label={t('policy.consent_given')} value={consent} onValue={setConsent} options={['none', 'given', 'refused'].map((c) => ({ value: c, text: word('consent', c) }))} />
          <TextField label={t('policy.subjects')} inputMode="numeric" value={subjects} onValue={setSubjects} autoComplete="off" />
          <Field label={t('policy.own')}>
            {({ id }) => <select id={id} class="govuk-select" value={own ? 'yes' : 'no'} onChange={(e) => setOwn(e.currentTarget.value === 'yes')}><option value="no">{t('no')}</option><option value="yes">{t('yes')}</option></select>}
          </Field>
        </div>
        <button type="submit" class="govuk-button" aria-disabled={ask.busy}>{t('policy.ask')}</button>
      </form>
      {ask.problem && <Problem problem={ask.problem} focus />}
      {answer && (
        <section class="card tight" aria-label={t('policy.answer')} role="status">
          <div class="pad">
            <h2><Tag group="outcome" code={answer.outcome} /> {either(undefined, answer.reason_vi, answer.reason_en)}</h2>
            <p class="small">{answer.rule && <>{t('policy.decided_by')} <code>{answer.rule}</code> </>}{answer.obligations.length > 0 && <>· {answer.obligations.map((o) => word('obligation', o)).join(', ')}</>}</p>
          </div>
          <Grid caption={t('policy.answer')} rows={answer.fields} id={(f) => f.code}
            columns={[
              { key: 'field', label: t('person.field'), cell: (f) => <>{either(f.title, f.title_vi, f.title_en) || f.code}<br /><code class="muted thin">{f.code}</code></> },
              { key: 'class', label: t('field.class'), cell: (f) => <ClassTags of={f} /> },
              { key: 'decision', label: t('policy.decision'), cell: (f) => <><Tag group="effect" code={f.decision} />{f.mask && <><br /><span class="small">{word('mask', f.mask)}</span></>}</> },
              { key: 'reason', label: t('policy.why'), cell: (f) => <>{either(f.reason, f.reason_vi, f.reason_en)}{f.rule && <> <code class="muted">{f.rule}</code></>}</> },
              { key: 'needed', label: t('policy.needed'), cell: (f) => either(f.needed, f.needed_vi, f.needed_en) },
            ]} />
        </section>
      )}
    </>
  );
}

export default function PolicyPage() {
  const [param] = useQuery();
  const tab = tabs.find((x) => x === param('tab')) ?? 'explain';
  return (
    <Page title={t('policy.title')} lead={t('policy.lead')}>
      <nav aria-label={t('policy.title')}>
        <ul class="tabs">{tabs.map((x) => <li key={x}><a href={`/policy${x === 'explain' ? '' : `?tab=${x}`}`} aria-current={tab === x ? 'page' : undefined}>{word('policy', `tab_${x}`)}</a></li>)}</ul>
      </nav>
      {tab === 'explain' ? <Explain /> : tab === 'purposes' ? <Purposes /> : tab === 'fields' ? <Fields /> : tab === 'rules' ? <Rules /> : <Volumes />}
    </Page>
  );
}
