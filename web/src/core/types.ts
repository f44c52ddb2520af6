// Shapes of the API's answers that more than one page uses.
import type { Title } from './i18n';

export interface Score { correct: number; complete: number; clean: number; live: number }
export type Criterion = keyof Score;
export const CRITERIA: Criterion[] = ['correct', 'complete', 'clean', 'live'];

export interface RunBrief {
  run: string | number;
  state: string;
  started_at: string | null;
  finished_at: string | null;
  rows_read: number;
  accepted: number;
  quarantined: number;
}

export interface Source {
  source: string;
  title: Title;
  agency: { code: string; vi: string; en: string };
  legal_basis: string;
  entity: 'person' | 'organisation';
  connector: string;
  mode: string;
  followed?: boolean;
  schedule: string | null;
  records: number;
  last_run: RunBrief | null;
  score: Score | null;
}

export interface DataClass { sharing: string; importance: string; personal?: string }

export interface SourcePage extends Source {
  declaration: string;
  fields: { column: string; columns?: string[]; to: string | null; title?: Title; required: boolean; class: DataClass | null; rules?: (string | Title)[] }[];
  trend: { run: string | number; finished_at: string; score: Score; rows_read: number; quarantined: number }[];
}

/** How a source is followed. */
export interface Capture {
  source: string;
  state: 'starting' | 'snapshot' | 'following' | 'waiting' | 'paused' | 'lost' | 'stopped';
  since: string | null;
  code: string | null;
  reason: string | null;
  note: string | null;
  caught_up: boolean;
  caught_up_at: string | null;
  changed_at: string | null;
  changes: number;
  late: number;
  quarantined: number;
  snapshots: number;
  losses: number;
  slot: { name: string; wal_status: string; lag_bytes: number; retained_bytes: number; safe_bytes: number | null } | null;
  files: { file: string; bytes: number; done: number; taken: number; waiting: number } | null;
}

export interface Run extends RunBrief {
  source: string;
  mode: string;
  new: number;
  changed: number;
  unchanged: number;
  ended: number;
  bytes: number;
  job: string | null;
  error: string | null;
}

export interface CriterionCount { checked: number; failed: number; score: number }
export interface ReasonCount { reason: string; title: Title; criterion: Criterion; count: number }
export interface RunPage extends Run {
  scorecard: {
    criteria: Record<Criterion, CriterionCount>;
    row?: { reasons: ReasonCount[] };
    fields: { column?: string; field: string; title?: Title; present: number; missing: number; failed: number; repaired?: number; score: number; reasons: ReasonCount[] }[];
    rules: { rule: string; title: Title; criterion: Criterion; checked?: number; failed: number }[];
  } | null;
}

/** A value as policy lets it out: whole, masked (how: `mask`), or withheld. */
export interface Shown { value?: string | null; masked?: boolean; withheld?: boolean; mask?: string; rule?: string }

export interface GoldenField extends Shown {
  field: string;
  title: Title;
  class: DataClass | null;
  source: { source: string; title: Title; key: string | null; run: string | number; rule: string; seen_at: string | null } | null;
  alternatives: number;
}

export interface EntityPage {
  entity: string;
  type: string;
  status?: string;
  fields: GoldenField[];
  records: number;
  updated_at: string | null;
}

export interface SourceRecord {
  source: string;
  title?: Title;
  key: string;
  run: string | number;
  first_run?: string | number;
  seen_at: string | null;
  ended: string | boolean | null;
  fields: (Shown & { field: string; column?: string; title: Title; raw?: string; invalid?: boolean })[];
}

export interface Edge { a: number; b: number; kind: string; probability: number }
