// Shapes of the API's answers that more than one page uses.
import type { Title } from './i18n';

export interface Score { correct: number; complete: number; clean: number; live: number }
export type Criterion = keyof Score;
export const CRITERIA: Criterion[] = ['correct', 'complete', 'clean', 'live'];

export interface RunBrief {
  run: string;
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
  schedule: string | null;
  records: number;
  last_run: RunBrief | null;
  score: Score | null;
}

export interface DataClass { sharing: string; importance: string; personal?: string }

export interface SourcePage extends Source {
  declaration: string;
  fields: { column: string; to: string | null; title: Title; required: boolean; class: DataClass | null; rules: (string | Title)[] }[];
  trend: { run: string; finished_at: string; score: Score; rows_read: number; quarantined: number }[];
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
export interface RunPage extends Run {
  scorecard: {
    criteria: Record<Criterion, CriterionCount>;
    fields: { field: string; title: Title; present: number; missing: number; failed: number; repaired?: number; score: number; reasons: { reason: string; title: Title; criterion: Criterion; count: number }[] }[];
    rules: { rule: string; title: Title; criterion: Criterion; checked?: number; failed: number }[];
  } | null;
}

export interface Shown { value?: string; masked?: boolean; withheld?: boolean; rule?: string }

export interface GoldenField extends Shown {
  field: string;
  title: Title;
  class: DataClass | null;
  source: { source: string; title: Title; key: string; run: string; rule: string; seen_at: string | null } | null;
  alternatives: number;
}

export interface EntityPage {
  entity: string;
  type: string;
  status: string;
  fields: GoldenField[];
  records: number;
  updated_at: string;
}

export interface SourceRecord {
  source: string;
  title: Title;
  key: string;
  run: string;
  first_run?: string;
  seen_at: string | null;
  ended: string | boolean | null;
  fields: (Shown & { field: string; column?: string; title: Title; raw?: string })[];
}

export interface Edge { a: number; b: number; kind: string; probability: number }
