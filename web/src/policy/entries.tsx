// Audit entries as a table; used by the audit page and by a person's page.
import type { ComponentChildren } from 'preact';
import { time } from '../core/format';
import { t, word } from '../core/i18n';
import { Grid, Tag } from '../core/ui';

export interface AuditEntry {
  seq: number;
  time: string;
  principal: string;
  agency?: string;
  action: string;
  purpose?: string;
  legal_basis?: string;
  platform?: string;
  route?: string;
  subjects?: string[];
  fields?: string[];
  leaf?: string;
  outcome?: string;
  rule?: string;
  request?: string;
  client?: string;
  detail?: string;
}

/** One item of the API: the entry, its leaf hash, and the codes of the fields shown. */
export interface AuditItem { seq: number; leaf: string; fields: string[]; entry: Omit<AuditEntry, 'fields' | 'leaf'> }
export interface AuditPage { entries: AuditItem[]; next: number | null }

export const readEntry = (item: AuditItem): AuditEntry => ({ ...item.entry, seq: item.seq, leaf: item.leaf, fields: item.fields });

export const entityHref = (id: string) => `/${id.startsWith('O') ? 'organisations' : 'persons'}/${encodeURIComponent(id)}`;

export function AuditTable({ entries, caption, empty, subjects, onProve, proving }: { entries: AuditEntry[]; caption: string; empty: ComponentChildren; subjects?: boolean; onProve?: (entry: AuditEntry) => void; proving?: number }) {
  return (
    <Grid
      caption={caption}
      rows={entries}
      id={(e) => String(e.seq)}
      empty={empty}
      marked={(e) => e.seq === proving}
      columns={[
        { key: 'seq', label: t('audit.seq'), cell: (e) => <span class="mono">{e.seq}</span> },
        { key: 'time', label: t('audit.time'), cell: (e) => <time dateTime={e.time} class="nowrap">{time(e.time)}</time> },
        { key: 'who', label: t('audit.who'), cell: (e) => <><span class="mono">{e.principal}</span>{e.agency && <><br /><span class="muted small">{e.agency}</span></>}</> },
        { key: 'action', label: t('audit.action'), cell: (e) => <>{word('action_name', e.action)}{e.route && <><br /><code class="muted small">{e.route}</code></>}</> },
        { key: 'why', label: t('audit.why'), cell: (e) => (e.purpose ? <>{e.purpose}{e.legal_basis && <><br /><span class="muted small">{e.legal_basis}</span></>}</> : '') },
        ...(subjects ? [{ key: 'subjects', label: t('audit.subjects'), cell: (e: AuditEntry) => (e.subjects?.length ? <>{e.subjects.slice(0, 3).map((id) => <span key={id} class="nowrap">{/^[PO]-/.test(id) ? <a href={entityHref(id)}><code>{id}</code></a> : <code>{id}</code>} </span>)}{e.subjects.length > 3 && <span class="muted">{t('audit.more', { n: e.subjects.length - 3 })}</span>}</> : '') }] : []),
        { key: 'fields', label: t('audit.fields'), cell: (e) => (e.fields?.length ? <span class="nowrap" title={e.fields.join(', ')}>{t('audit.fields_n', { n: e.fields.length })}</span> : '') },
        { key: 'outcome', label: t('audit.outcome'), cell: (e) => (e.outcome ? <Tag group="outcome" code={e.outcome} /> : '') },
        ...(onProve ? [{ key: 'prove', label: t('audit.proof'), cell: (e: AuditEntry) => <button type="button" class="plain nowrap" aria-label={t('audit.prove_n', { n: e.seq })} onClick={() => onProve(e)}>{t('audit.prove')}</button> }] : []),
      ]}
    />
  );
}
