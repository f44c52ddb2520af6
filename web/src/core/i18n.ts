// The console's words.
import { getLang, speak } from './lang';
import { en } from './messages/en';
import { vi } from './messages/vi';

export { getLang, onLang, setLang, type Lang, type Params } from './lang';
export type Key = keyof typeof vi;
export type Messages = { readonly [K in Key]: string };
export interface Title { vi: string; en: string }

const words = speak<Key>({ vi, en });
export const t = words.t;
export const word = words.word;
export const has: (key: string) => key is Key = words.has;

/** A source's title without the words that nearly all of them begin or end with. */
export function shortTitle(of: Partial<Title> | string | null | undefined): string {
  const full = title(of);
  const short = getLang() === 'vi' ? full.replace(/^Cơ sở dữ liệu (?:quốc gia )?(?:về )?/, '') : full.replace(/^National /, '').replace(/ database/, '');
  return short.charAt(0).toUpperCase() + short.slice(1);
}

/** A title in the reader's language, the other one if it is missing. */
export function title(of: Partial<Title> | string | null | undefined): string {
  if (!of) return '';
  if (typeof of === 'string') return of;
  return (getLang() === 'vi' ? of.vi || of.en : of.en || of.vi) ?? '';
}
