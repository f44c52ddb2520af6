// When something was, and from where, as people say it.
import { cached, day, parse } from '../core/dates';
import { t } from './words';

/** "hôm nay 09:12", "hôm qua 21:40", or the day. */
export function since(text: string | null | undefined): string {
  const date = parse(text);
  if (!date) return '–';
  const clock = cached('hm', (l) => new Intl.DateTimeFormat(l, { hour: '2-digit', minute: '2-digit', hour12: false, timeZone: 'Asia/Ho_Chi_Minh' })).format(date);
  const that = day(text);
  if (that === day(new Date().toISOString())) return t('time.today', { clock });
  if (that === day(new Date(Date.now() - 86400000).toISOString())) return t('time.yesterday', { clock });
  return `${that} ${clock}`;
}

/** A browser's own description of itself, told as "Chrome, Android". */
export function device(agent: string): string {
  const browsers: [RegExp, string][] = [[/Edg\//, 'Edge'], [/OPR\//, 'Opera'], [/coc_coc|CocCoc/i, 'Cốc Cốc'], [/SamsungBrowser/, 'Samsung Internet'], [/Firefox|FxiOS/, 'Firefox'], [/Chrom(e|ium)|CriOS/, 'Chrome'], [/Safari/, 'Safari']];
  const systems: [RegExp, string][] = [[/iPhone/, 'iPhone'], [/iPad/, 'iPad'], [/Android/, 'Android'], [/Windows/, 'Windows'], [/CrOS/, 'ChromeOS'], [/Mac OS X|Macintosh/, 'macOS'], [/Linux/, 'Linux']];
  const name = (list: [RegExp, string][]) => list.find(([pattern]) => pattern.test(agent))?.[1];
  const found = [name(browsers), name(systems)].filter(Boolean);
  return found.length ? found.join(', ') : agent.slice(0, 60) || t('device.unknown');
}
