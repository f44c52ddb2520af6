import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { ApiProblem, call } from './api';
import { getLang } from './lang';

export interface Fetched<T> {
  data: T | undefined;
  problem: ApiProblem | undefined;
  loading: boolean;
  reload: () => void;
  set: (data: T) => void;
}

/**
 * Fetches a path (null: nothing yet) and again when it changes; what was there stays shown
 * until the answer has come. every_ms: polls while the page is visible.
 */
export function useApi<T>(path: string | null, every_ms = 0): Fetched<T> {
  const [state, setState] = useState<{ data?: T; problem?: ApiProblem; path: string | null; loading: boolean }>({ path, loading: path !== null });
  const [turn, setTurn] = useState(0);
  const lang = getLang();
  const seen = useRef('');

  useEffect(() => {
    if (path === null) {
      setState({ path, loading: false });
      return;
    }
    const abort = new AbortController();
    const fresh = seen.current !== path;
    seen.current = path;
    setState((s) => ({ ...s, path, loading: true, ...(fresh ? { problem: undefined } : {}) }));
    call<T>(path, { signal: abort.signal }).then(
      (data) => setState({ data, path, loading: false }),
      (error: unknown) => {
        if (abort.signal.aborted) return;
        if (!(error instanceof ApiProblem)) throw error;
        setState((s) => ({ ...s, problem: error, path, loading: false }));
      },
    );
    return () => abort.abort();
  }, [path, turn, lang]);

  useEffect(() => {
    if (!every_ms || path === null) return;
    const timer = setInterval(() => {
      if (document.visibilityState === 'visible') setTurn((n) => n + 1);
    }, every_ms);
    return () => clearInterval(timer);
  }, [every_ms, path]);

  const reload = useCallback(() => setTurn((n) => n + 1), []);
  const set = useCallback((data: T) => setState((s) => ({ ...s, data, problem: undefined })), []);
  return { data: state.data, problem: state.problem, loading: state.loading, reload, set };
}

/** Runs an action once at a time and keeps its problem for the page to show. */
export function useAction<A extends unknown[], R>(action: (...args: A) => Promise<R>) {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<ApiProblem>();
  const latest = useRef(action);
  latest.current = action;
  const running = useRef(false);
  const run = useCallback(async (...args: A): Promise<R | undefined> => {
    if (running.current) return undefined;
    running.current = true;
    setBusy(true);
    setProblem(undefined);
    try {
      return await latest.current(...args);
    } catch (error) {
      if (!(error instanceof ApiProblem)) throw error;
      setProblem(error);
      return undefined;
    } finally {
      running.current = false;
      setBusy(false);
    }
  }, []);
  return { run, busy, problem, clear: () => setProblem(undefined) };
}

/** A job's state, live by server-sent events, by polling where the stream is refused. */
export interface Job {
  id: string;
  kind: string;
  platform?: string;
  state: 'queued' | 'running' | 'succeeded' | 'failed' | 'canceled';
  phase?: string | null;
  done?: number;
  total?: number | null;
  unit?: string | null;
  rate?: number | null;
  remaining_s?: number | null;
  created_at?: string | null;
  started_at?: string | null;
  finished_at?: string | null;
  principal?: string | null;
  error?: string | { code?: string; message?: string } | null;
  cancel_requested?: boolean;
}

export const jobEnded = (job: Job) => job.state === 'succeeded' || job.state === 'failed' || job.state === 'canceled';

export function useJob(id: string | null | undefined, onEnd?: () => void): Job | undefined {
  const [job, setJob] = useState<Job>();
  const ended = useRef(onEnd);
  ended.current = onEnd;
  useEffect(() => {
    setJob(undefined);
    if (!id) return;
    let over = false;
    let timer = 0;
    let stream: EventSource | null = null;
    let phase = '';
    let began = { at: 0, done: 0 };
    const take = (next: Job) => {
      if (over) return;
      // `done` starts anew with each phase: the rate, and the time left, are this phase's.
      // Thousandths are of the whole, over all phases: its time left is known all along.
      const now = performance.now() / 1000;
      const done = next.done ?? 0;
      if ((next.phase !== phase && next.unit !== '‰') || done < began.done || !began.at) {
        phase = next.phase ?? '';
        began = { at: now, done };
      }
      const seconds = now - began.at;
      const rate = seconds >= 1 && done > began.done ? (done - began.done) / seconds : null;
      setJob({ ...next, rate, remaining_s: rate && next.total && next.total > done ? (next.total - done) / rate : null });
      if (jobEnded(next)) {
        stop();
        ended.current?.();
      }
    };
    const poll = () => {
      call<Job>(`/api/jobs/${encodeURIComponent(id)}`).then(take, () => {}).finally(() => {
        if (!over) timer = window.setTimeout(poll, 2000);
      });
    };
    const stop = () => {
      over = true;
      stream?.close();
      clearTimeout(timer);
    };
    stream = new EventSource(`/api/jobs/${encodeURIComponent(id)}/events`);
    stream.onmessage = (event) => take(JSON.parse(event.data as string) as Job);
    stream.onerror = () => {
      stream?.close();
      stream = null;
      if (!over && !timer) poll();
    };
    return stop;
  }, [id]);
  return job;
}
