// What the platform `verify` answers.
import type { Title } from '../core/i18n';

export const VERDICTS = ['match', 'mismatch', 'not_found', 'dead', 'replaced', 'frozen', 'duplicate', 'invalid'] as const;
export type Verdict = (typeof VERDICTS)[number];

export interface CheckFile {
  file: string; bank: string; kind: 'file' | 'delta'; name: string; watch: string | null;
  state: 'queued' | 'checking' | 'done' | 'refused' | 'failed' | 'withdrawn';
  job: string | null; purpose: string; legal_basis: string; principal: string; signed: boolean; sha256: string; bytes: number; format: string | null;
  created_at: string; started_at: string | null; finished_at: string | null;
  rows: number; done: number; counts: Record<Verdict | 'rows' | 'organisations', number>;
  cost_dong: number; result_bytes: number; result_sha256: string | null; result_signature: string | null;
  error_code: string | null; error: string | null;
}

export interface Status { ready: boolean; reason: string | null; numbers: number; entities: number; delta: number; bytes: number; made_at: string | null; sample: boolean; bank: string | null; operate: boolean }
export interface Bank { bank: string; title: Title; key_id: string | null; rows_per_day: number; suspended: boolean }

export const waiting = (file: CheckFile) => file.state === 'queued' || file.state === 'checking';
