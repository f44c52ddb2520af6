// Addresses: a table of patterns to lazily loaded pages; filters live in the query.
import type { ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';

export interface Route {
  path: string;
  page: () => Promise<{ default: ComponentType<any> }>;
}

/** Which bundle a path belongs to: citizens' pages do not load the operators' console. */
const bundle = (path: string) => (/^\/eid(\/|$)/.test(path) && !/^\/eid\/desk(\/|$)/.test(path) ? 'eid' : 'console');

export interface Place {
  path: string;
  search: string;
}

let place: Place = { path: location.pathname, search: location.search };
let listeners: ((moved: boolean) => void)[] = [];

function tell(moved: boolean) {
  place = { path: location.pathname, search: location.search };
  for (const listener of listeners) listener(moved);
}

window.addEventListener('popstate', () => tell(true));

export function go(to: string, options: { replace?: boolean } = {}) {
  const from = location.pathname;
  if (options.replace) history.replaceState(null, '', to);
  else history.pushState(null, '', to);
  tell(location.pathname !== from);
  if (location.pathname !== from) window.scrollTo(0, 0);
}

document.addEventListener('click', (event) => {
  if (event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const link = (event.target as Element).closest?.('a[href]') as HTMLAnchorElement | null;
  if (!link || link.target || link.hasAttribute('download') || link.origin !== location.origin) return;
  if (link.pathname.startsWith('/api') || link.pathname === '/metrics') return;
  if (bundle(link.pathname) !== bundle(location.pathname)) return;
  if (link.hash && link.pathname === location.pathname) return;
  event.preventDefault();
  go(link.pathname + link.search);
});

export function usePlace(): Place {
  const [, set] = useState(0);
  useEffect(() => {
    const listener = () => set((n) => n + 1);
    listeners.push(listener);
    return () => {
      listeners = listeners.filter((l) => l !== listener);
    };
  }, []);
  return place;
}

/** Query parameters as state: reading is typed text, writing replaces or pushes the address. */
export function useQuery(): [(name: string) => string, (changes: Record<string, string | null>, replace?: boolean) => void] {
  const { search } = usePlace();
  const params = new URLSearchParams(search);
  return [
    (name) => params.get(name) ?? '',
    (changes, replace = false) => {
      const next = new URLSearchParams(location.search);
      for (const [name, value] of Object.entries(changes)) {
        if (value) next.set(name, value);
        else next.delete(name);
      }
      const text = next.toString();
      go(location.pathname + (text ? `?${text}` : ''), { replace });
    },
  ];
}

export function match(pattern: string, path: string): Record<string, string> | null {
  const want = pattern.split('/');
  const have = path.replace(/(.)\/$/, '$1').split('/');
  if (want.length !== have.length) return null;
  const params: Record<string, string> = {};
  for (let i = 0; i < want.length; i++) {
    const name = want[i]!;
    if (name.startsWith(':')) {
      try {
        params[name.slice(1)] = decodeURIComponent(have[i]!);
      } catch {
        return null;
      }
    } else if (name !== have[i]) return null;
  }
  return params;
}

interface Shown { key: string; page: ComponentType<any>; params: Record<string, string> }

/** The page of the present address; the one before stays until its code has come. */
export function usePage(routes: Route[]): { shown: Shown | null; missing: boolean; failed: boolean; busy: boolean } {
  const { path } = usePlace();
  const [state, setState] = useState<{ shown: Shown | null; missing: boolean; failed: boolean; busy: boolean }>({ shown: null, missing: false, failed: false, busy: true });
  useEffect(() => {
    for (const route of routes) {
      const params = match(route.path, path);
      if (!params) continue;
      let gone = false;
      const slow = setTimeout(() => !gone && setState((s) => ({ ...s, busy: true })), 120);
      route.page().then(
        (module) => !gone && setState({ shown: { key: path, page: module.default, params }, missing: false, failed: false, busy: false }),
        () => !gone && setState((s) => ({ ...s, failed: true, busy: false })),
      ).finally(() => clearTimeout(slow));
      return () => {
        gone = true;
        clearTimeout(slow);
      };
    }
    setState({ shown: null, missing: true, failed: false, busy: false });
    return undefined;
  }, [path]);
  return state;
}
