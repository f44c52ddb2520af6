import { useEffect, useRef, useState } from 'preact/hooks';
import { call, query } from '../core/api';
import { dec, num, value } from '../core/format';
import { useAction, useApi } from '../core/hooks';
import { t, title, word } from '../core/i18n';
import { PurposeGate } from '../core/purpose';
import { go, useQuery } from '../core/router';
import type { Shown } from '../core/types';
import { announce, Empty, Grid, Loaded, Page, Problem, SelectField, TextField, Value } from '../core/ui';
import { provinces } from '../map/provinces';

type Cell = Shown | string | null | undefined;
interface Found { items: Hit[]; next: number | null; total: number; more?: boolean; took_us?: number }
interface Hit { entity: string; type: string; score?: number | null; full_name: Cell; birth_date: Cell; sex: Cell; province: Cell | { vi: string; en: string }; person_id: Cell }

/** Search results may carry plain text or a value with its mask. */
function Show({ of, field }: { of: Hit[keyof Hit]; field: string }) {
  if (of === null || of === undefined || of === '') return <span class="muted">–</span>;
  if (field === 'province' && typeof of === 'string') return <>{title(provinces.find((p) => p.code === of)) || of}</>;
  if (typeof of === 'string' || typeof of === 'number') return <>{value(field, String(of))}</>;
  if ('vi' in of) return <>{title(of)}</>;
  return <Value of={of} field={field} />;
}

/** "02/03/1985", "2-3-1985" or "1985" as the API wants it. */
export function isoDate(text: string): string {
  const parts = /^\s*(\d{1,2})\s*[\/.\-]\s*(\d{1,2})\s*[\/.\-]\s*(\d{4})\s*$/.exec(text);
  return parts ? `${parts[3]}-${parts[2]!.padStart(2, '0')}-${parts[1]!.padStart(2, '0')}` : text.trim();
}

function SearchForm() {
  const [param, setParam] = useQuery();
  const [q, setQ] = useState(param('q'));
  const [id, setId] = useState(param('id'));
  const [birth, setBirth] = useState(param('birth_date') ? value('birth_date', param('birth_date')) : '');
  const [province, setProvince] = useState(param('province'));
  const [type, setType] = useState(param('type'));
  const [missing, setMissing] = useState(false);
  const form = useRef<HTMLFormElement>(null);
  return (
    <form
      role="search"
      ref={form}
      class="card"
      noValidate
      onSubmit={(e) => {
        e.preventDefault();
        const entity = /^[pPoO]-?[0-9a-zA-Z]{4}-?[0-9a-zA-Z]{4}-?[0-9a-zA-Z]$/.exec(id.trim());
        if (entity) {
          go(`/${/^o/i.test(id.trim()) ? 'organisations' : 'persons'}/${encodeURIComponent(id.trim().toUpperCase())}`);
          return;
        }
        const empty = !q.trim() && !id.trim() && !birth.trim();
        setMissing(empty);
        if (!empty) setParam({ q: q.trim(), id: id.trim(), birth_date: isoDate(birth), province, type });
      }}
    >
      <div class="filters">
        <TextField wide label={t('search.name')} hint={t('search.name_hint')} value={q} onValue={setQ} autoComplete="off" error={missing ? t('search.missing') : undefined} />
        <TextField label={t('search.id')} hint={t('search.id_hint')} value={id} onValue={setId} autoComplete="off" inputMode="text" />
        <TextField label={t('search.birth')} hint={t('search.birth_hint')} value={birth} onValue={setBirth} autoComplete="off" />
        <SelectField label={t('search.province')} hint={t('search.province_hint')} value={province} onValue={setProvince} options={[{ value: '', text: t('form.all') }, ...provinces.map((p) => ({ value: p.code, text: title(p) }))]} />
        <SelectField label={t('search.col_type')} hint={t('search.type_hint')} value={type} onValue={setType} options={[{ value: '', text: t('form.all') }, { value: 'person', text: word('entity', 'person') }, { value: 'organisation', text: word('entity', 'organisation') }]} />
      </div>
      <button type="submit" class="govuk-button">{t('search.submit')}</button>
    </form>
  );
}

function Results() {
  const [param] = useQuery();
  const q = param('q');
  const id = param('id');
  const birth = param('birth_date');
  const asked = !!(q || id || birth);
  const path = (after: number) => `/api/registry/search${query({ q, id, birth_date: birth, province: param('province'), type: param('type'), after: after || null, limit: 50 })}`;
  const found = useApi<Found>(asked ? path(0) : null);
  const [more, setMore] = useState<Found>();
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => setMore(undefined), [found.data]);
  const items = [...(found.data?.items ?? []), ...(more?.items ?? [])];
  const next = more ? more.next : found.data?.next;
  const grow = useAction(async () => {
    if (typeof next !== 'number') return;
    const at = items.length;
    const page = await call<Found>(path(next));
    setMore({ ...page, items: [...(more?.items ?? []), ...page.items] });
    announce(t('pager.shown', { shown: num(at + page.items.length), total: num(page.total) }));
    setTimeout(() => box.current?.querySelectorAll<HTMLAnchorElement>('tbody th a')[at]?.focus(), 0);
  });
  const count = found.data?.total ?? found.data?.items.length;
  useEffect(() => {
    if (asked && count !== undefined) announce(t('search.found', { n: num(count) }));
  }, [found.data]);
  if (!asked) return <p class="muted">{t('search.start')}</p>;
  const href = (hit: Hit) => `/${hit.type === 'organisation' ? 'organisations' : 'persons'}/${encodeURIComponent(hit.entity)}`;
  return (
    <Loaded of={found} lines={8}>
      {(data) => (
        <section class={`card tight ${found.loading ? 'stale' : ''}`} aria-label={t('search.results')}>
          {data.items.length > 0 && <p class="pad muted small">{t('search.found', { n: num(data.total ?? data.items.length) })}{data.took_us !== undefined && <> · {t('search.took', { ms: dec(data.took_us / 1000, 1) })}</>}</p>}
          {data.more && <p class="pad small">{t('search.crowd')}</p>}
          <div
            ref={box}
            onKeyDown={(e) => {
              if (e.key !== 'ArrowDown' && e.key !== 'ArrowUp') return;
              const links = [...e.currentTarget.querySelectorAll<HTMLAnchorElement>('tbody th a')];
              const at = links.indexOf(document.activeElement as HTMLAnchorElement);
              const next = links[at + (e.key === 'ArrowDown' ? 1 : -1)];
              if (next) {
                e.preventDefault();
                next.focus();
              }
            }}
          >
            <Grid
              caption={t('search.results')}
              rows={items}
              id={(h) => h.entity}
              empty={<Empty title={t('search.none')}><p>{t('search.none_detail')}</p></Empty>}
              columns={[
                { key: 'name', label: t('search.col_name'), cell: (h) => <a href={href(h)}><Show of={h.full_name} field="full_name" /></a> },
                { key: 'birth', label: t('search.col_birth'), cell: (h) => <Show of={h.birth_date} field="birth_date" /> },
                { key: 'sex', label: t('search.col_sex'), cell: (h) => <Show of={h.sex} field="sex" /> },
                { key: 'province', label: t('search.col_province'), cell: (h) => <Show of={h.province} field="province" /> },
                { key: 'id', label: t('search.col_id'), cell: (h) => <span class="mono"><Show of={h.person_id} field="person_id" /></span> },
                { key: 'type', label: t('search.col_type'), cell: (h) => word('entity', h.type) },
                { key: 'entity', label: t('search.col_entity'), cell: (h) => <code class="muted">{h.entity}</code> },
              ]}
            />
          </div>
          {grow.problem && <Problem problem={grow.problem} focus />}
          {typeof next === 'number' && (
            <div class="pager">
              <span>{t('pager.shown', { shown: num(items.length), total: num(data.total) })}</span>
              <button type="button" class="plain" aria-disabled={grow.busy} onClick={() => void grow.run()}>{t('pager.more')}</button>
            </div>
          )}
        </section>
      )}
    </Loaded>
  );
}

export default function SearchPage() {
  return (
    <Page title={t('search.title')} lead={t('search.lead')}>
      <PurposeGate><SearchForm /><Results /></PurposeGate>
    </Page>
  );
}
