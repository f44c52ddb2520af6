// Numbers, dates and values as people read them in either language.
import { cached, day, num, parse, time } from './dates';
import { t, word } from './i18n';

export { day, num, time };

export function dec(n: number, digits = 1): string {
  return cached(`d${digits}`, (l) => new Intl.NumberFormat(l, { maximumFractionDigits: digits })).format(n);
}

/** A share 0..1. Never rounds up to 100 % or down to 0 %. */
export function percent(share: number | null | undefined, digits = 1): string {
  if (share === null || share === undefined || !Number.isFinite(share)) return '–';
  const step = 10 ** -(digits + 2);
  let s = share;
  if (s < 1 && s > 1 - step) s = 1 - step;
  if (s > 0 && s < step) s = step;
  return cached(`p${digits}`, (l) => new Intl.NumberFormat(l, { style: 'percent', maximumFractionDigits: digits })).format(s);
}

export function bytes(n: number | null | undefined): string {
  if (n === null || n === undefined) return '–';
  const units = ['B', 'KB', 'MB', 'GB', 'TB'];
  let at = 0;
  while (n >= 1024 && at < units.length - 1) {
    n /= 1024;
    at++;
  }
  return `${dec(n, at ? 1 : 0)} ${units[at]}`;
}

export function duration(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds) || seconds < 0) return '–';
  if (seconds < 1) return t('time.under1s');
  const s = Math.round(seconds);
  if (s < 60) return t('time.s', { s });
  if (s < 3600) return t('time.ms', { m: Math.floor(s / 60), s: s % 60 });
  if (s < 86400) return t('time.hm', { h: Math.floor(s / 3600), m: Math.floor((s % 3600) / 60) });
  return t('time.dh', { d: Math.floor(s / 86400), h: Math.floor((s % 86400) / 3600) });
}

export function between(from: string | null | undefined, to: string | null | undefined): string {
  const a = parse(from);
  const b = parse(to);
  return a && b ? duration((b.getTime() - a.getTime()) / 1000) : '–';
}

export function ago(text: string | null | undefined): string {
  const date = parse(text);
  if (!date) return '–';
  const s = (Date.now() - date.getTime()) / 1000;
  if (s < 5) return t('time.now');
  if (s >= 86400 * 2) return day(text);
  const about = s < 60 ? t('time.s', { s: Math.round(s) }) : s < 3600 ? t('time.m', { m: Math.round(s / 60) }) : t('time.h', { h: Math.round(s / 3600) });
  return t('time.ago', { t: about });
}

/** A stored value by its field: dates turned round, codes in words. */
export function value(field: string, text: string): string {
  const date = /^(\d{4})(?:-(\d\d)(?:-(\d\d))?)?$/.exec(text);
  if (date && /(_date|_at|birth|death|founded|closed|entry|exit)$/.test(field)) {
    const [, y, m, d] = date;
    return d ? `${d}/${m}/${y}` : m ? `${m}/${y}` : y!;
  }
  if (/^\d{4}-\d\d-\d\dT/.test(text)) return time(text);
  if (field === 'sex') return word('sex', text);
  if (field === 'status' || field === 'org_status') return word('status', text.toLowerCase()) === text.toLowerCase() ? text : word('status', text.toLowerCase());
  if (field === 'marital_status') return word('marital', text);
  if ((field === 'capital' || field === 'salary') && /^\d+$/.test(text)) return `${num(Number(text))} ₫`;
  return text;
}
