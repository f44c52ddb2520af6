// Why the operator looks at people's data: stated once a session, sent with every call.
import { onStated } from './api';

export interface Stated {
  purpose: string;
  basis: string;
  titleVi: string;
  titleEn: string;
}

const KEY = 'ndc_purpose';
let listeners: (() => void)[] = [];
let current: Stated | null = read();

function read(): Stated | null {
  try {
    return JSON.parse(sessionStorage.getItem(KEY) ?? 'null') as Stated | null;
  } catch {
    return null;
  }
}

export const purpose = {
  get: () => current,
  set(next: Stated | null) {
    current = next;
    if (next) sessionStorage.setItem(KEY, JSON.stringify(next));
    else sessionStorage.removeItem(KEY);
    for (const listener of listeners) listener();
  },
  subscribe(listener: () => void) {
    listeners.push(listener);
    return () => {
      listeners = listeners.filter((l) => l !== listener);
    };
  },
};

onStated(() => current);
