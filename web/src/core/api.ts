// The client of the same public API that every agency uses. Failures are ApiProblem: the
// server's RFC 9457 answer, or a word about the network.
import { getLang } from './lang';

export interface ProblemBody {
  type?: string;
  title?: string;
  status: number;
  detail?: string;
  code?: string;
  field?: string;
  line?: number;
  request_id?: string;
  reasons?: unknown;
  /** Seconds to wait, where the answer says so (Retry-After). */
  retry_after?: number;
  [key: string]: unknown;
}

export class ApiProblem extends Error {
  constructor(readonly body: ProblemBody) {
    super(body.detail ?? body.title ?? String(body.status));
  }
  get status() {
    return this.body.status;
  }
  get code() {
    return this.body.code ?? '';
  }
}

export interface CallOptions {
  method?: string;
  body?: unknown;
  /** Sent as it is, with this content type, instead of JSON. */
  text?: { type: string; body: string | Blob };
  headers?: Record<string, string>;
  signal?: AbortSignal;
  /** A 401 of this call says "wrong password", not "session over". */
  quiet401?: boolean;
  /** The answer's very text. */
  asText?: boolean;
}

let csrf = '';
let expired: () => void = () => {};
let stated: () => { purpose: string; basis: string } | null = () => null;

export function setCsrf(token: string) {
  csrf = token;
}

export function onExpired(listener: () => void) {
  expired = listener;
}

/** Where operators say for what personal data are asked. */
export function onStated(source: typeof stated) {
  stated = source;
}

/** What every call says: the language, and for what personal data are asked. */
export function statedHeaders(): Record<string, string> {
  const headers: Record<string, string> = { 'Accept-Language': getLang() };
  const why = stated();
  if (why) {
    headers['NDC-Purpose'] = why.purpose;
    headers['NDC-Legal-Basis'] = encodeHeader(why.basis);
  }
  return headers;
}

export async function call<T>(path: string, options: CallOptions = {}): Promise<T> {
  const method = options.method ?? (options.body !== undefined || options.text ? 'POST' : 'GET');
  const headers: Record<string, string> = { Accept: 'application/json', ...statedHeaders(), ...options.headers };
  if (method !== 'GET' && csrf) headers['NDC-CSRF'] = csrf;
  let body: string | Blob | undefined;
  if (options.text) {
    headers['Content-Type'] = options.text.type;
    body = options.text.body;
  } else if (options.body !== undefined) {
    headers['Content-Type'] = 'application/json';
    body = JSON.stringify(options.body);
  }
  let response: Response;
  try {
    response = await fetch(path, { method, headers, body, signal: options.signal, credentials: 'same-origin' });
  } catch (error) {
    if ((error as Error).name === 'AbortError') throw error;
    throw new ApiProblem({ status: 0, code: 'network' });
  }
  if (response.ok && options.asText) return (await response.text()) as T;
  if (response.ok) return (response.status === 204 ? undefined : await readJson(response)) as T;
  const problem = await readProblem(response);
  if (response.status === 401 && !options.quiet401) expired();
  throw problem;
}

/** Headers carry Latin-1 only; Vietnamese text goes as UTF-8 bytes, which the server reads. */
function encodeHeader(text: string): string {
  return Array.from(new TextEncoder().encode(text), (b) => String.fromCharCode(b)).join('');
}

async function readJson(response: Response): Promise<unknown> {
  const text = await response.text();
  if (!text) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    throw new ApiProblem({ status: response.status, code: 'not_json' });
  }
}

export async function readProblem(response: Response): Promise<ApiProblem> {
  let body: ProblemBody = { status: response.status };
  try {
    body = { ...((await response.json()) as object), status: response.status };
  } catch {
    // No problem document: the status alone has to say it.
  }
  const wait = Number(response.headers.get('Retry-After'));
  if (wait > 0) body.retry_after = wait;
  return new ApiProblem(body);
}

export function query(params: Record<string, string | number | boolean | null | undefined>): string {
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(params))
    if (value !== undefined && value !== null && value !== '') search.set(key, String(value));
  const text = search.toString();
  return text ? `?${text}` : '';
}
