// The language of this browser: kept in a cookie, so that the switch is instant and the next
// visit remembers it. Every bundle brings tables of words of its own.
export type Lang = 'vi' | 'en';
export type Params = Record<string, string | number>;

const COOKIE = 'ndc_lang';

function initial(): Lang {
  const asked = new URLSearchParams(location.search).get('lang');
  if (asked === 'vi' || asked === 'en') return asked;
  return new RegExp(`(?:^|; )${COOKIE}=en`).test(document.cookie) ? 'en' : 'vi';
}

let lang: Lang = initial();
let changed: () => void = () => {};
document.documentElement.lang = lang;

export function getLang(): Lang {
  return lang;
}

export function setLang(next: Lang) {
  lang = next;
  document.documentElement.lang = next;
  document.cookie = `${COOKIE}=${next}; Path=/; Max-Age=31536000; SameSite=Lax`;
  changed();
}

export function onLang(listener: () => void) {
  changed = listener;
}

/** What screen readers say before a field's error. */
export const errorWord = () => (lang === 'vi' ? 'Lỗi' : 'Error');

/** Words of two tables with the same keys, which the compiler checks. */
export function speak<K extends string>(tables: Record<Lang, { readonly [key in K]: string }>) {
  const has = (key: string): key is K => key in tables.vi;
  const t = (key: K, params?: Params): string => {
    const text = tables[lang][key];
    if (!params) return text;
    return text.replace(/\{(\w+)\}/g, (_, name: string) => String(params[name] ?? ''));
  };
  /** The word for a code of the API, or the code itself where none is known. */
  const word = (group: string, code: string | null | undefined): string => {
    if (!code) return '';
    const key = `${group}.${code}`;
    return has(key) ? t(key) : code;
  };
  return { has, t, word };
}
