// Personal data are fetched only once the operator has said for what, and on which law.
import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { useApi } from './hooks';
import { getLang, t, title, type Title } from './i18n';
import { current } from './session';
import { purpose, type Stated } from './purpose_store';
import { Loaded, SelectField, TextField } from './ui';

export interface Purpose { code: string; title: Title; laws?: Title[]; needs_legal_basis?: boolean; kinds?: string[] }

const basesOf = (p: Purpose): string[] => (p.laws ?? []).map((law) => title(law));

/** A user of an agency is an official, one without is staff of the data centre. */
const mayState = (p: Purpose) => !p.kinds || p.kinds.includes(current()?.agency ? 'official' : 'operator');

export function usePurpose(): Stated | null {
  const [, set] = useState(0);
  useEffect(() => purpose.subscribe(() => set((n) => n + 1)), []);
  return purpose.get();
}

/** The children once a purpose is stated, else the form; `fallback` frames the form. */
export function PurposeGate({ children, fallback }: { children: ComponentChildren; fallback?: (form: ComponentChildren) => ComponentChildren }) {
  const stated = usePurpose();
  if (stated) return <>{children}</>;
  return <>{fallback ? fallback(<PurposeForm />) : <PurposeForm />}</>;
}

export function PurposeForm({ onDone }: { onDone?: () => void }) {
  const purposes = useApi<{ purposes: Purpose[] }>('/api/policy/purposes');
  const [code, setCode] = useState(purpose.get()?.purpose ?? '');
  const [basis, setBasis] = useState(purpose.get()?.basis ?? '');
  const [touched, setTouched] = useState(false);
  return (
    <section class="card narrow" aria-labelledby="purpose-title">
      <h2 id="purpose-title">{t('purpose.title')}</h2>
      <p>{t('purpose.why')}</p>
      <Loaded of={purposes} lines={3}>
        {({ purposes: all }) => {
          const list = all.filter(mayState);
          const chosen = list.find((p) => p.code === code);
          if (!list.length) return <p>{t('purpose.none')}</p>;
          const bases = chosen ? basesOf(chosen) : [];
          return (
            <form
              noValidate
              onSubmit={(e) => {
                e.preventDefault();
                setTouched(true);
                if (!chosen || !basis.trim()) return;
                purpose.set({ purpose: code, basis: basis.trim(), titleVi: chosen.title.vi, titleEn: chosen.title.en });
                onDone?.();
              }}
            >
              <SelectField label={t('purpose.purpose')} value={code} error={touched && !chosen ? t('purpose.choose') : undefined}
                onValue={(next) => {
                  setCode(next);
                  const first = list.find((p) => p.code === next);
                  if (first) setBasis(basesOf(first)[0] ?? '');
                }}
                options={[{ value: '', text: t('form.choose') }, ...list.map((p) => ({ value: p.code, text: title(p.title) }))]} />
              <TextField label={t('purpose.basis')} hint={t('purpose.basis_hint')} value={basis} maxLength={200} onValue={setBasis}
                list={bases.length ? 'bases' : undefined} error={touched && !basis.trim() ? t('purpose.basis_missing') : undefined} />
              {bases.length > 0 && <datalist id="bases">{bases.map((b) => <option key={b} value={b} />)}</datalist>}
              <button class="govuk-button" type="submit">{t('purpose.confirm')}</button>
            </form>
          );
        }}
      </Loaded>
    </section>
  );
}

export function PurposeBar({ onChange }: { onChange: () => void }) {
  const stated = usePurpose();
  if (!stated) return null;
  return (
    <div class="purpose" role="region" aria-label={t('purpose.bar')}>
      <span>{t('purpose.purpose')}: <strong>{getLang() === 'vi' ? stated.titleVi : stated.titleEn}</strong></span>
      <span>{t('purpose.basis')}: <strong>{stated.basis}</strong></span>
      <button type="button" class="plain" onClick={onChange}>{t('purpose.change')}</button>
    </div>
  );
}
