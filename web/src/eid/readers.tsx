// Who has read my data: from the log that nobody can change unseen.
import { useApi } from '../core/hooks';
import { Account } from './account';
import type { Reader } from './api';
import { Loaded } from './parts';
import { since } from './times';
import { has, t, word } from './words';

/** "user:lan" of an agency: an official; "key:…": a system. */
function whoOf(r: Reader): string {
  const [kind, name] = r.who.split(/:(.*)/s);
  if (kind === 'eid-client') return t('reader.service', { name: r.name || name || '' });
  const said = has(`reader.${kind}`) ? word('reader', kind) : r.who;
  const agency = r.agency ? t('reader.of', { agency: r.agency.toUpperCase() }) : t('reader.centre');
  return `${said}${name ? ` ${name}` : ''}, ${agency}`;
}

function One({ r }: { r: Reader }) {
  const fields = r.fields.map((f) => word('field', f));
  return (
    <li>
      <div>
        <strong>{whoOf(r)}</strong>{!r.allowed && <> <span class="govuk-tag govuk-tag--red">{t('signins.refused')}</span></>}<br />
        {word('did', r.what)}{fields.length > 0 && `: ${fields.join(', ')}`}<br />
        <span class="small muted">{since(r.at)}{r.purpose && ` · ${t('signin.purpose')}: ${word('purpose', r.purpose)}`}{r.legal_basis && ` · ${t('reader.basis')}: ${r.legal_basis}`} · {t('reader.entry', { n: r.entry })}</span>
      </div>
    </li>
  );
}

function List() {
  const readers = useApi<Reader[]>('/api/eid/me/readers');
  return (
    <Loaded of={readers}>
      {(list) => (list.length ? <ul class="list">{list.map((r) => <One key={r.entry} r={r} />)}</ul> : <p class="muted">{t('reader.none')}</p>)}
    </Loaded>
  );
}

export default function ReadersPage() {
  return <Account title={t('nav.readers')} lead={t('reader.about')}>{() => <List />}</Account>;
}
