// Roles: the program's own are shown, operators' own are made, changed and deleted.
import { useState } from 'preact/hooks';
import { call } from '../core/api';
import { useAction, useApi } from '../core/hooks';
import { t, title, type Title } from '../core/i18n';
import { may } from '../core/session';
import { Dialog, Grid, Problem, TextField } from '../core/ui';

export interface Role { role: string; title: Title; builtin: boolean; permissions: string[] }
interface Permission { permission: string; title: Title }

const NAME = /^[a-z][a-z0-9-]{1,31}$/;
const words = (of: Title | undefined, lang: 'vi' | 'en') => (typeof of === 'string' ? of : (of?.[lang] ?? ''));

function Permissions({ all, chosen, onChosen }: { all: Permission[]; chosen: string[]; onChosen: (permissions: string[]) => void }) {
  return (
    <fieldset class="govuk-fieldset govuk-form-group">
      <legend class="govuk-fieldset__legend strong">{t('access.permissions')}</legend>
      <div class="govuk-hint">{t('role.permissions_hint')}</div>
      <div class="govuk-checkboxes govuk-checkboxes--small">
        {all.map((p) => (
          <div class="govuk-checkboxes__item" key={p.permission}>
            <input class="govuk-checkboxes__input" type="checkbox" id={`may-${p.permission}`} checked={chosen.includes(p.permission)} disabled={!may(p.permission)} onChange={(e) => onChosen(e.currentTarget.checked ? [...chosen, p.permission] : chosen.filter((x) => x !== p.permission))} />
            <label class="govuk-label govuk-checkboxes__label" for={`may-${p.permission}`}>{title(p.title) || p.permission} <code class="muted thin">{p.permission}</code></label>
          </div>
        ))}
      </div>
    </fieldset>
  );
}

export function Roles({ roles, onChange }: { roles: Role[]; onChange: () => void }) {
  const all = useApi<{ permissions: Permission[] }>('/api/permissions');
  const [editing, setEditing] = useState<Role | 'new' | null>(null);
  const [deleting, setDeleting] = useState<Role | null>(null);
  const [name, setName] = useState('');
  const [vi, setVi] = useState('');
  const [en, setEn] = useState('');
  const [chosen, setChosen] = useState<string[]>([]);
  const [touched, setTouched] = useState(false);
  const fresh = editing === 'new';
  const good = (!fresh || NAME.test(name.trim())) && vi.trim() !== '' && en.trim() !== '';
  const save = useAction(async () => {
    const role = fresh ? name.trim() : (editing as Role).role;
    await call(`/api/roles/${encodeURIComponent(role)}`, { method: 'PUT', body: { vi: vi.trim(), en: en.trim(), permissions: chosen } });
    setEditing(null);
    onChange();
  });
  const remove = useAction(async (role: Role) => {
    await call(`/api/roles/${encodeURIComponent(role.role)}`, { method: 'DELETE' });
    setDeleting(null);
    onChange();
  });
  const begin = (role: Role | 'new') => {
    setName('');
    setVi(role === 'new' ? '' : words(role.title, 'vi'));
    setEn(role === 'new' ? '' : words(role.title, 'en'));
    setChosen(role === 'new' ? [] : role.permissions);
    setTouched(false);
    save.clear();
    setEditing(role);
  };
  const allowed = may('identity.users');
  return (
    <>
      {allowed && <p><button type="button" class="govuk-button" onClick={() => begin('new')}>{t('role.add')}</button></p>}
      <section class="card tight" aria-label={t('access.tab_roles')}>
        <Grid caption={t('access.tab_roles')} rows={roles} id={(r) => r.role}
          columns={[
            { key: 'role', label: t('access.role'), cell: (r) => <>{title(r.title)}<br /><code class="muted thin">{r.role}</code></> },
            { key: 'permissions', label: t('access.permissions'), cell: (r) => <span class="tags">{r.permissions.map((p) => <code key={p}>{p}</code>)}</span> },
            { key: 'do', label: t('access.actions'), cell: (r) => (r.builtin ? <span class="muted small">{t('role.builtin')}</span> : allowed && (
              <span class="row-actions">
                <button type="button" class="plain" aria-label={`${t('access.edit')}: ${r.role}`} onClick={() => begin(r)}>{t('access.edit')}</button>
                <button type="button" class="plain" aria-label={`${t('role.delete')}: ${r.role}`} onClick={() => { remove.clear(); setDeleting(r); }}>{t('role.delete')}</button>
              </span>
            )) },
          ]} />
      </section>
      <Dialog open={editing !== null} onClose={() => setEditing(null)} title={editing && !fresh ? t('role.edit', { role: (editing as Role).role }) : t('role.add')}>
        <form noValidate onSubmit={(e) => { e.preventDefault(); setTouched(true); if (good) void save.run(); }}>
          {save.problem && <Problem problem={save.problem} focus />}
          {fresh && <TextField label={t('role.name')} hint={t('role.name_hint')} value={name} autoComplete="off" autoCapitalize="none" spellcheck={false} onValue={setName} error={touched && !NAME.test(name.trim()) ? t('role.name_hint') : undefined} />}
          <TextField label={t('role.vi')} value={vi} autoComplete="off" onValue={setVi} error={touched && !vi.trim() ? t('role.title_missing') : undefined} />
          <TextField label={t('role.en')} value={en} autoComplete="off" onValue={setEn} error={touched && !en.trim() ? t('role.title_missing') : undefined} />
          <Permissions all={all.data?.permissions ?? []} chosen={chosen} onChosen={setChosen} />
          <div class="actions"><button type="submit" class="govuk-button" aria-disabled={save.busy}>{t('action.save')}</button><button type="button" class="plain" onClick={() => setEditing(null)}>{t('action.cancel')}</button></div>
        </form>
      </Dialog>
      <Dialog open={!!deleting} onClose={() => setDeleting(null)} title={t('role.delete_title', { role: deleting?.role ?? '' })}>
        {remove.problem && <Problem problem={remove.problem} focus />}
        <p>{t('role.delete_warning')}</p>
        <div class="actions"><button type="button" class="govuk-button govuk-button--warning" onClick={() => deleting && void remove.run(deleting)}>{t('role.delete')}</button><button type="button" class="plain" onClick={() => setDeleting(null)}>{t('action.cancel')}</button></div>
      </Dialog>
    </>
  );
}
