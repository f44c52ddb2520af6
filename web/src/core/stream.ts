// Server-sent events by fetch: EventSource cannot say for what purpose it asks. Comes back after
// the connection ends, with the number of the last event it has had.
import { ApiProblem, readProblem, statedHeaders } from './api';

const AGAIN_MS = 2000;

export interface Follow {
  onData: (data: string) => void;
  onOpen: () => void;
  /** The connection ended; it is tried again, unless there is a problem. */
  onLost: (problem?: ApiProblem) => void;
}

/** Follows a stream from `lastId` on; answers with how to stop. */
export function follow(path: string, lastId: string, on: Follow): () => void {
  const abort = new AbortController();
  let timer = 0;

  async function connect() {
    try {
      const response = await fetch(path, { headers: { ...statedHeaders(), Accept: 'text/event-stream', ...(lastId ? { 'Last-Event-ID': lastId } : {}) }, signal: abort.signal, credentials: 'same-origin' });
      if (!response.ok || !response.body) {
        const problem = await readProblem(response);
        if (response.status !== 503 && response.status !== 429) {
          on.onLost(problem);
          return;
        }
      } else {
        on.onOpen();
        await read(response.body);
      }
    } catch {
      // The network: below it is tried again.
    }
    if (abort.signal.aborted) return;
    on.onLost();
    timer = window.setTimeout(() => void connect(), AGAIN_MS);
  }

  async function read(body: ReadableStream<Uint8Array>) {
    const reader = body.getReader();
    const decoder = new TextDecoder();
    let text = '';
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      text += decoder.decode(value, { stream: true });
      let end: number;
      while ((end = text.indexOf('\n\n')) >= 0) {
        block(text.slice(0, end));
        text = text.slice(end + 2);
      }
    }
  }

  function block(text: string) {
    let data = '';
    for (const line of text.split('\n')) {
      if (line.startsWith('id: ')) lastId = line.slice(4);
      else if (line.startsWith('data: ')) data += line.slice(6);
    }
    if (data) on.onData(data);
  }

  void connect();
  return () => {
    abort.abort();
    clearTimeout(timer);
  };
}
