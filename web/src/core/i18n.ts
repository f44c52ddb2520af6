// Words: two tables with the same keys, which the compiler checks. The language is kept in a
// cookie, so that the switch is instant and the next visit remembers it.
import { en } from './messages/en';
import { vi } from './messages/vi';

export type Lang = 'vi' | 'en';
export type Key = keyof typeof vi;
export type Messages = { readonly [K in Key]: string };
export interface Title { vi: string; en: string }

const tables: Record<Lang, Messages> = { vi, en };
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

export type Params = Record<string, string | number>;

export function t(key: Key, params?: Params): string {
  const text = tables[lang][key];
  if (!params) return text;
  return text.replace(/\{(\w+)\}/g, (_, name: string) => String(params[name] ?? ''));
}

export function has(key: string): key is Key {
  return key in tables.vi;
}

/** The word for a code of the API, or the code itself where none is known. */
export function word(group: string, code: string | null | undefined): string {
  if (!code) return '';
  const key = `${group}.${code}`;
  return has(key) ? t(key) : code;
}

/** A source's title without the words that nearly all of them begin or end with. */
export function shortTitle(of: Partial<Title> | string | null | undefined): string {
  const full = title(of);
  const short = lang === 'vi' ? full.replace(/^Cơ sở dữ liệu (?:quốc gia )?(?:về )?/, '') : full.replace(/^National /, '').replace(/ database/, '');
  return short.charAt(0).toUpperCase() + short.slice(1);
}

/** A title in the reader's language, the other one if it is missing. */
export function title(of: Partial<Title> | string | null | undefined): string {
  if (!of) return '';
  if (typeof of === 'string') return of;
  return (lang === 'vi' ? of.vi || of.en : of.en || of.vi) ?? '';
}
