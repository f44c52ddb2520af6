// The enrolment desk, in the console: officials find an account, prove a person in person,
// give a new way in, freeze and thaw. The number that is looked for stays in this page: it is
// not put into its address.
import { useState } from 'preact/hooks';
import { call, query } from '../core/api';
import { useAction } from '../core/hooks';
import { t, word } from '../core/i18n';
import { PurposeGate } from '../core/purpose';
import { announce, Banner, Dialog, Empty, Page, Problem, SelectField, Tag, TextField, Time } from '../core/ui';
import { Once, type Secret } from '../identity/once';

interface DeskAccount {
  account: string;
  kind: string;
  name_masked: string;
  number_masked: string;
  birth_year?: string;
  level: number;
  state: string;
  child?: boolean;
  created_at: string | null;
  authenticators: string[];
}

type Act = 'proof' | 'reset' | 'freeze' | 'thaw';
const DOCUMENTS = ['identity_card', 'passport', 'birth_certificate', 'residence_card', 'business_certificate'];

/** What an act needs to be told: papers for a proof, a reason for the rest. */
function ActForm({ of, act, onDone, onClose }: { of: DeskAccount; act: Act; onDone: (codes?: string[]) => void; onClose: () => void }) {
  const papers = act === 'proof' || act === 'reset';
  const [paper, setPaper] = useState('');
  const [number, setNumber] = useState('');
  const [note, setNote] = useState('');
  const [seen, setSeen] = useState(false);
  const [touched, setTouched] = useState(false);
  const send = useAction(async () => {
    const body = papers ? { document: paper, document_number: number.trim(), ...(act === 'proof' ? { note: note.trim() } : {}) } : { reason: note.trim() };
    const answer = await call<{ codes?: string[] } | undefined>(`/api/eid/desk/accounts/${encodeURIComponent(of.account)}/${act}`, { body });
    onDone(answer?.codes);
  });
  const ready = papers ? !!paper && !!number.trim() && seen : !!note.trim();
  return (
    <form noValidate onSubmit={(e) => { e.preventDefault(); setTouched(true); if (ready) void send.run(); }}>
      {send.problem && <Problem problem={send.problem} focus />}
      <p>{word('desk_about', act)}</p>
      <p><strong>{of.name_masked}</strong> · <span class="mono">{of.number_masked}</span>{of.birth_year && ` · ${t('desk.born', { year: of.birth_year })}`}</p>
      {papers && (
        <>
          <SelectField label={t('desk.document')} value={paper} onValue={setPaper} error={touched && !paper ? t('desk.document_missing') : undefined}
            options={[{ value: '', text: t('form.choose') }, ...DOCUMENTS.map((d) => ({ value: d, text: word('document', d) }))]} />
          <TextField label={t('desk.document_number')} hint={t('desk.document_number_hint')} value={number} onValue={setNumber} autoComplete="off" maxLength={40} error={touched && !number.trim() ? t('desk.document_number_missing') : undefined} />
        </>
      )}
      {(act === 'proof' || !papers) && (
        <TextField label={t(papers ? 'desk.note' : 'desk.reason')} value={note} onValue={setNote} autoComplete="off" maxLength={200} error={touched && !papers && !note.trim() ? t('desk.reason_missing') : undefined} />
      )}
      {papers && (
        <div class={`govuk-checkboxes govuk-checkboxes--small govuk-form-group ${touched && !seen ? 'govuk-form-group--error' : ''}`}>
          {touched && !seen && <p class="govuk-error-message" id="desk-seen-error">{t('desk.seen_missing')}</p>}
          <div class="govuk-checkboxes__item">
            <input class="govuk-checkboxes__input" type="checkbox" id="desk-seen" aria-describedby={touched && !seen ? 'desk-seen-error' : undefined} checked={seen} onChange={(e) => setSeen(e.currentTarget.checked)} />
            <label class="govuk-label govuk-checkboxes__label" for="desk-seen">{t('desk.seen')}</label>
          </div>
        </div>
      )}
      <div class="actions">
        <button type="submit" class={`govuk-button ${act === 'freeze' || act === 'reset' ? 'govuk-button--warning' : ''}`} aria-disabled={send.busy}>{word('desk', act)}</button>
        <button type="button" class="plain" onClick={onClose}>{t('action.cancel')}</button>
      </div>
    </form>
  );
}

function Account({ of, onAct }: { of: DeskAccount; onAct: (act: Act) => void }) {
  const acts: Act[] = of.state === 'ended' ? [] : [...(of.level < 2 ? ['proof' as const] : []), 'reset', of.state === 'frozen' ? 'thaw' : 'freeze'];
  const ways = [...new Set(of.authenticators)].map((k) => word('way', k)).join(', ');
  return (
    <section class="card" aria-label={of.name_masked}>
      <div class="head slim">
        <div><h2>{of.name_masked} <span class="mono thin">{of.number_masked}</span></h2></div>
        <div class="actions"><Tag group="account_state" code={of.state} /></div>
      </div>
      <dl class="facts">
        <dt>{t('desk.level')}</dt><dd>{t(of.level >= 2 ? 'desk.level_2' : 'desk.level_1')}</dd>
        <dt>{t('desk.kind')}</dt><dd>{word('account_kind', of.kind)}{of.child && `, ${t('desk.child')}`}</dd>
        {of.birth_year && <><dt>{t('desk.year')}</dt><dd>{of.birth_year}</dd></>}
        <dt>{t('desk.ways')}</dt><dd>{ways || t('desk.no_ways')}</dd>
        <dt>{t('desk.created')}</dt><dd><Time at={of.created_at} /></dd>
        <dt>{t('desk.account')}</dt><dd><code>{of.account}</code></dd>
      </dl>
      <div class="actions">
        {acts.map((act) => <button key={act} type="button" class={`govuk-button ${act === 'proof' ? '' : 'govuk-button--secondary'}`} onClick={() => onAct(act)}>{word('desk', act)}</button>)}
      </div>
    </section>
  );
}

function Desk() {
  const [number, setNumber] = useState('');
  const [touched, setTouched] = useState(false);
  const [found, setFound] = useState<DeskAccount[]>();
  const [doing, setDoing] = useState<{ act: Act; of: DeskAccount }>();
  const [secret, setSecret] = useState<Secret | null>(null);
  const [done, setDone] = useState('');
  const find = useAction(async () => {
    const { accounts } = await call<{ accounts: DeskAccount[] }>(`/api/eid/desk/accounts${query({ number: number.replace(/\s/g, '') })}`);
    setFound(accounts);
    announce(t('desk.found', { n: accounts.length }));
  });
  const finished = (codes?: string[]) => {
    const { act, of } = doing!;
    setDoing(undefined);
    setDone(word('desk_done', act));
    if (codes?.length) setSecret({ what: t('desk.code'), name: of.name_masked, value: codes[0]! });
    void find.run();
  };
  return (
    <>
      <form class="filters" role="search" noValidate onSubmit={(e) => { e.preventDefault(); setTouched(true); setDone(''); if (number.trim()) void find.run(); }}>
        <TextField label={t('desk.number')} hint={t('desk.number_hint')} value={number} onValue={setNumber} autoComplete="off" spellcheck={false} maxLength={254} wide error={touched && !number.trim() ? t('desk.number_missing') : undefined} />
        <button type="submit" class="govuk-button" aria-disabled={find.busy}>{t('desk.find')}</button>
      </form>
      {done && <Banner>{done}</Banner>}
      {find.problem && <Problem problem={find.problem} focus />}
      {found?.length === 0 && <div class="card"><Empty title={t('desk.none')}><p>{t('desk.none_about')}</p></Empty></div>}
      {found?.map((a) => <Account key={a.account} of={a} onAct={(act) => setDoing({ act, of: a })} />)}
      <Dialog open={!!doing} onClose={() => setDoing(undefined)} title={doing ? word('desk', doing.act) : ''}>
        {doing && <ActForm of={doing.of} act={doing.act} onDone={finished} onClose={() => setDoing(undefined)} />}
      </Dialog>
      <Once secret={secret} onClose={() => setSecret(null)} />
    </>
  );
}

export default function DeskPage() {
  return <Page title={t('desk.title')} lead={t('desk.lead')}><PurposeGate><Desk /></PurposeGate></Page>;
}
