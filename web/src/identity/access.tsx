// Users and API keys: a password or a key's secret is shown once and never again.
import { useState } from 'preact/hooks';
import { call } from '../core/api';
import { useAction, useApi } from '../core/hooks';
import { t, title, word, type Title } from '../core/i18n';
import { useQuery } from '../core/router';
import { Once, type Secret } from './once';
import { Roles, type Role } from './roles';
import { Dialog, Empty, Field, Grid, Loaded, Page, Pager, Problem, SelectField, Tag, TextField, Time } from '../core/ui';

interface User { name: string; full_name: string; agency: string; entity_id?: string; roles: string[]; must_change?: boolean; disabled: boolean; created_at: string | null; signed_in_at?: string | null }
interface ApiKey { id: string; agency: string; title: string; roles: string[]; created_at: string | null; expires_at: string | null; revoked_at: string | null; cert_sha256?: string | null }
interface Agency { code: string; title: Title }

const tabs = ['users', 'keys', 'roles'] as const;

function RoleChoice({ roles, chosen, onChosen }: { roles: Role[]; chosen: string[]; onChosen: (roles: string[]) => void }) {
  return (
    <fieldset class="govuk-fieldset govuk-form-group">
      <legend class="govuk-fieldset__legend strong">{t('access.roles')}</legend>
      <div class="govuk-checkboxes govuk-checkboxes--small">
        {roles.map((r) => (
          <div class="govuk-checkboxes__item" key={r.role}>
            <input class="govuk-checkboxes__input" type="checkbox" id={`role-${r.role}`} checked={chosen.includes(r.role)} onChange={(e) => onChosen(e.currentTarget.checked ? [...chosen, r.role] : chosen.filter((x) => x !== r.role))} />
            <label class="govuk-label govuk-checkboxes__label" for={`role-${r.role}`}>{title(r.title) || r.role}</label>
          </div>
        ))}
      </div>
    </fieldset>
  );
}

const agencyOptions = (agencies: Agency[], empty: string) => [{ value: '', text: empty }, ...agencies.map((a) => ({ value: a.code, text: title(a.title) || a.code }))];
const roleNames = (codes: string[], roles: Role[]) => codes.map((c) => title(roles.find((r) => r.role === c)?.title) || c).join(', ');

function Users({ roles, agencies }: { roles: Role[]; agencies: Agency[] }) {
  const [param, setParam] = useQuery();
  const after = param('after');
  const users = useApi<{ users: User[]; next: string | null }>(`/api/users?limit=100${after ? `&after=${encodeURIComponent(after)}` : ''}`);
  const [secret, setSecret] = useState<Secret | null>(null);
  const [adding, setAdding] = useState(false);
  const [editing, setEditing] = useState<User | null>(null);
  const [name, setName] = useState('');
  const [fullName, setFullName] = useState('');
  const [agency, setAgency] = useState('');
  const [chosen, setChosen] = useState<string[]>([]);
  const [touched, setTouched] = useState(false);
  const begin = (user: User | null) => {
    setName(user?.name ?? '');
    setFullName(user?.full_name ?? '');
    setAgency(user?.agency ?? '');
    setChosen(user?.roles ?? []);
    setTouched(false);
    setEditing(user);
    setAdding(!user);
    save.clear();
  };
  const close = () => {
    setAdding(false);
    setEditing(null);
  };
  const save = useAction(async () => {
    const body = { full_name: fullName.trim(), agency, roles: chosen };
    if (editing) await call(`/api/users/${encodeURIComponent(editing.name)}`, { method: 'PATCH', body });
    else {
      const made = await call<{ name: string; password: string }>('/api/users', { body: { name: name.trim(), ...body } });
      setSecret({ what: t('access.first_password'), name: made.name, value: made.password });
    }
    close();
    users.reload();
  });
  const reset = useAction(async (user: User) => {
    const made = await call<{ name: string; password: string }>(`/api/users/${encodeURIComponent(user.name)}/password`, { method: 'POST', body: {} });
    setSecret({ what: t('access.new_password'), name: made.name, value: made.password });
  });
  const disable = useAction(async (user: User) => {
    await call(`/api/users/${encodeURIComponent(user.name)}`, { method: 'PATCH', body: { disabled: !user.disabled } });
    users.reload();
  });
  const bad = touched && !/^[a-z0-9._-]{2,32}$/.test(name.trim());
  const failed = reset.problem ?? disable.problem;
  return (
    <>
      <p><button type="button" class="govuk-button" onClick={() => begin(null)}>{t('access.add_user')}</button></p>
      {failed && <Problem problem={failed} focus />}
      <Loaded of={users} lines={6}>
        {(data) => (
          <section class="card tight" aria-label={t('access.users')}>
            <Grid caption={t('access.users')} rows={data.users} id={(u) => u.name} empty={<Empty title={t('access.no_users')} />}
              columns={[
                { key: 'name', label: t('signin.user'), cell: (u) => <><span class="mono">{u.name}</span>{u.full_name && <><br /><span class="muted thin">{u.full_name}</span></>}</> },
                { key: 'agency', label: t('access.agency'), cell: (u) => title(agencies.find((a) => a.code === u.agency)?.title) || u.agency || <span class="muted">{t('access.operator')}</span> },
                { key: 'roles', label: t('access.roles'), cell: (u) => roleNames(u.roles, roles) },
                { key: 'state', label: t('run.state'), cell: (u) => <Tag group="user_state" code={u.disabled ? 'disabled' : 'active'} /> },
                { key: 'last', label: t('access.signed_in'), cell: (u) => <Time at={u.signed_in_at} /> },
                { key: 'do', label: t('access.actions'), cell: (u) => (
                  <span class="row-actions">
                    <button type="button" class="plain" aria-label={`${t('access.edit')}: ${u.name}`} onClick={() => begin(u)}>{t('access.edit')}</button>
                    <button type="button" class="plain" aria-label={`${t('access.reset')}: ${u.name}`} onClick={() => void reset.run(u)}>{t('access.reset')}</button>
                    <button type="button" class="plain" aria-label={`${t(u.disabled ? 'access.enable' : 'access.disable')}: ${u.name}`} onClick={() => void disable.run(u)}>{t(u.disabled ? 'access.enable' : 'access.disable')}</button>
                  </span>
                ) },
              ]} />
            <Pager shown={data.users.length} next={!!data.next} first={!after} onNext={() => setParam({ after: data.next })} onFirst={() => setParam({ after: null })} />
          </section>
        )}
      </Loaded>
      <Dialog open={adding || !!editing} onClose={close} title={editing ? t('access.edit_user', { name: editing.name }) : t('access.add_user')}>
        <form noValidate onSubmit={(e) => { e.preventDefault(); setTouched(true); if (editing || /^[a-z0-9._-]{2,32}$/.test(name.trim())) void save.run(); }}>
          {save.problem && <Problem problem={save.problem} focus />}
          {!editing && <TextField label={t('signin.user')} hint={t('access.name_hint')} value={name} autoComplete="off" autoCapitalize="none" onValue={setName} error={bad ? t('access.name_hint') : undefined} />}
          <TextField label={t('access.full_name')} value={fullName} autoComplete="off" onValue={setFullName} />
          <SelectField label={t('access.agency')} value={agency} onValue={setAgency} options={agencyOptions(agencies, t('access.operator'))} />
          <RoleChoice roles={roles} chosen={chosen} onChosen={setChosen} />
          <div class="actions"><button type="submit" class="govuk-button" aria-disabled={save.busy}>{t('action.save')}</button><button type="button" class="plain" onClick={close}>{t('action.cancel')}</button></div>
        </form>
      </Dialog>
      <Once secret={secret} onClose={() => setSecret(null)} />
    </>
  );
}

function Keys({ roles, agencies }: { roles: Role[]; agencies: Agency[] }) {
  const keys = useApi<{ keys: ApiKey[] }>('/api/keys');
  const [secret, setSecret] = useState<Secret | null>(null);
  const [adding, setAdding] = useState(false);
  const [revoking, setRevoking] = useState<ApiKey | null>(null);
  const [agency, setAgency] = useState('');
  const [name, setName] = useState('');
  const [days, setDays] = useState('365');
  const [cert, setCert] = useState('');
  const [chosen, setChosen] = useState<string[]>([]);
  const [touched, setTouched] = useState(false);
  const wrongDays = !/^\d{1,4}$/.test(days) || Number(days) > 3650;
  const add = useAction(async () => {
    const made = await call<{ id: string; secret: string }>('/api/keys', { body: { agency, title: name.trim(), roles: chosen, days: Number(days), ...(/BEGIN/.test(cert) ? { certificate: cert } : cert.trim() ? { cert_sha256: cert.trim() } : {}) } });
    setAdding(false);
    setSecret({ what: t('access.key_made'), name: made.id, value: made.secret });
    keys.reload();
  });
  const revoke = useAction(async (key: ApiKey) => {
    await call(`/api/keys/${encodeURIComponent(key.id)}`, { method: 'DELETE' });
    setRevoking(null);
    keys.reload();
  });
  const state = (k: ApiKey) => (k.revoked_at ? 'revoked' : k.expires_at && Date.parse(k.expires_at) < Date.now() ? 'expired' : 'active');
  return (
    <>
      <p><button type="button" class="govuk-button" onClick={() => { setAdding(true); setTouched(false); add.clear(); setName(''); setAgency(''); setChosen([]); setCert(''); }}>{t('access.add_key')}</button></p>
      <Loaded of={keys} lines={6}>
        {(data) => (
          <section class="card tight" aria-label={t('access.keys')}>
            <Grid caption={t('access.keys')} rows={data.keys} id={(k) => k.id} empty={<Empty title={t('access.no_keys')}><p>{t('access.no_keys_detail')}</p></Empty>}
              columns={[
                { key: 'id', label: t('access.key'), cell: (k) => <><span class="mono">{k.id}</span>{k.title && <><br /><span class="muted thin">{k.title}</span></>}{k.cert_sha256 && <><br /><span class="muted small">{t('access.bound')} <code title={k.cert_sha256}>{k.cert_sha256.slice(0, 12)}…</code></span></>}</> },
                { key: 'agency', label: t('access.agency'), cell: (k) => title(agencies.find((a) => a.code === k.agency)?.title) || k.agency },
                { key: 'roles', label: t('access.roles'), cell: (k) => roleNames(k.roles, roles) },
                { key: 'made', label: t('access.made'), cell: (k) => <Time at={k.created_at} /> },
                { key: 'expires', label: t('access.expires'), cell: (k) => (k.expires_at ? <Time at={k.expires_at} /> : t('access.never')) },
                { key: 'state', label: t('run.state'), cell: (k) => <Tag group="key_state" code={state(k)} /> },
                { key: 'do', label: t('access.actions'), cell: (k) => (state(k) === 'active' ? <button type="button" class="plain" aria-label={`${t('access.revoke')}: ${k.id}`} onClick={() => { revoke.clear(); setRevoking(k); }}>{t('access.revoke')}</button> : '') },
              ]} />
          </section>
        )}
      </Loaded>
      <Dialog open={adding} onClose={() => setAdding(false)} title={t('access.add_key')}>
        <form noValidate onSubmit={(e) => { e.preventDefault(); setTouched(true); if (agency && !wrongDays) void add.run(); }}>
          {add.problem && <Problem problem={add.problem} focus />}
          <SelectField label={t('access.agency')} value={agency} onValue={setAgency} options={agencyOptions(agencies, t('form.choose'))} error={touched && !agency ? t('access.agency_missing') : undefined} />
          <TextField label={t('access.key_title')} hint={t('access.key_title_hint')} value={name} autoComplete="off" onValue={setName} />
          <TextField label={t('access.days')} hint={t('access.days_hint')} value={days} inputMode="numeric" onValue={setDays} error={touched && wrongDays ? t('access.days_hint') : undefined} />
          <Field label={t('access.cert')} hint={t('access.cert_hint')}>
            {({ id, describedBy }) => <textarea id={id} class="govuk-textarea mono" rows={3} spellcheck={false} aria-describedby={describedBy} value={cert} onInput={(e) => setCert(e.currentTarget.value)} />}
          </Field>
          <RoleChoice roles={roles.filter((r) => r.role !== 'admin')} chosen={chosen} onChosen={setChosen} />
          <div class="actions"><button type="submit" class="govuk-button" aria-disabled={add.busy}>{t('access.add_key')}</button><button type="button" class="plain" onClick={() => setAdding(false)}>{t('action.cancel')}</button></div>
        </form>
      </Dialog>
      <Dialog open={!!revoking} onClose={() => setRevoking(null)} title={t('access.revoke_title', { id: revoking?.id ?? '' })}>
        {revoke.problem && <Problem problem={revoke.problem} focus />}
        <p>{t('access.revoke_warning')}</p>
        <div class="actions"><button type="button" class="govuk-button govuk-button--warning" onClick={() => revoking && void revoke.run(revoking)}>{t('access.revoke')}</button><button type="button" class="plain" onClick={() => setRevoking(null)}>{t('action.cancel')}</button></div>
      </Dialog>
      <Once secret={secret} onClose={() => setSecret(null)} />
    </>
  );
}

export default function AccessPage() {
  const [param] = useQuery();
  const tab = tabs.find((x) => x === param('tab')) ?? 'users';
  const roles = useApi<{ roles: Role[] }>('/api/roles');
  const agencies = useApi<{ agencies: Agency[] }>('/api/agencies');
  return (
    <Page title={t('access.title')} lead={t('access.lead')}>
      <nav aria-label={t('access.title')}>
        <ul class="tabs">{tabs.map((x) => <li key={x}><a href={`/access${x === 'users' ? '' : `?tab=${x}`}`} aria-current={tab === x ? 'page' : undefined}>{word('access', `tab_${x}`)}</a></li>)}</ul>
      </nav>
      <Loaded of={roles} lines={6}>
        {({ roles: list }) => (tab === 'roles' ? <Roles roles={list} onChange={roles.reload} /> : tab === 'keys' ? <Keys roles={list} agencies={agencies.data?.agencies ?? []} /> : <Users roles={list} agencies={agencies.data?.agencies ?? []} />)}
      </Loaded>
    </Page>
  );
}
