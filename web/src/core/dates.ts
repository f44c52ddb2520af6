// Numbers and times as people read them, without words.
import { getLang } from './lang';

const locales = { vi: 'vi-VN', en: 'en-GB' } as const;
const ZONE = 'Asia/Ho_Chi_Minh';
const cache = new Map<string, Intl.NumberFormat | Intl.DateTimeFormat>();

export function cached<T extends Intl.NumberFormat | Intl.DateTimeFormat>(name: string, make: (locale: string) => T): T {
  const key = `${getLang()} ${name}`;
  let format = cache.get(key);
  if (!format) {
    format = make(locales[getLang()]);
    cache.set(key, format);
  }
  return format as T;
}

export function num(n: number | null | undefined): string {
  if (n === null || n === undefined || !Number.isFinite(n)) return '–';
  return cached('n', (l) => new Intl.NumberFormat(l, { maximumFractionDigits: 0 })).format(n);
}

export function parse(text: string | null | undefined): Date | null {
  if (!text) return null;
  const date = new Date(text);
  return Number.isNaN(date.getTime()) ? null : date;
}

export function time(text: string | null | undefined): string {
  const date = parse(text);
  if (!date) return '–';
  const clock = cached('clock', (l) => new Intl.DateTimeFormat(l, { hour: '2-digit', minute: '2-digit', second: '2-digit', hour12: false, timeZone: ZONE })).format(date);
  return `${day(text)} ${clock}`;
}

export function day(text: string | null | undefined): string {
  const date = parse(text);
  if (!date) return '–';
  return cached('day', (l) => new Intl.DateTimeFormat(l, { day: '2-digit', month: '2-digit', year: 'numeric', timeZone: ZONE })).format(date);
}
