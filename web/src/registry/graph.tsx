// The records of one entity as a picture: the entity in the middle, its records in a ring
// ordered by source, and between them the links that made them one.
import { percent } from '../core/format';
import { shortTitle, t, word } from '../core/i18n';
import type { Edge, SourceRecord } from '../core/types';

const W = 720;
const KINDS = ['identifier', 'model', 'decision'] as const;
const style: Record<string, { colour: string; dash?: string; width: number }> = {
  identifier: { colour: '#0a5c55', width: 2.5 },
  model: { colour: '#2a5fa8', dash: '7 4', width: 2 },
  decision: { colour: '#a32755', dash: '2 4', width: 3 },
};

function wrap(text: string, most: number): string[] {
  const lines: string[] = [''];
  for (const one of text.split(' ')) {
    const last = lines[lines.length - 1]!;
    if (last && last.length + one.length + 1 > most) lines.push(one);
    else lines[lines.length - 1] = last ? `${last} ${one}` : one;
  }
  return lines.length > 3 ? [lines[0]!, lines[1]!, `${lines[2]!.slice(0, most - 1)}…`] : lines;
}

export function RecordGraph({ label, records, edges, at, onAt }: { label: string; records: SourceRecord[]; edges: Edge[]; at: number; onAt: (index: number) => void }) {
  const n = records.length;
  const order = records.map((_, i) => i).sort((a, b) => (records[a]!.source < records[b]!.source ? -1 : records[a]!.source > records[b]!.source ? 1 : a - b));
  const height = n > 14 ? 640 : n > 4 ? 520 : 360;
  const rx = W / 2 - 150;
  const ry = height / 2 - 62;
  const cx = W / 2;
  const cy = height / 2;
  const spot: { x: number; y: number; angle: number }[] = [];
  order.forEach((record, i) => {
    const angle = (2 * Math.PI * i) / Math.max(1, n) - Math.PI / 2;
    spot[record] = { x: cx + rx * Math.cos(angle), y: cy + ry * Math.sin(angle), angle };
  });
  const kinds = KINDS.filter((k) => edges.some((e) => e.kind === k));
  const near = new Set(edges.filter((e) => e.a === at || e.b === at).flatMap((e) => [e.a, e.b]));
  const text = t('graph.label', { name: label, records: n, sources: new Set(records.map((r) => r.source)).size, links: edges.length });
  return (
    <figure class="graph">
      <ul class="legend">
        {kinds.map((k) => <li key={k}><svg width="34" height="8" aria-hidden="true"><line x1="0" x2="34" y1="4" y2="4" stroke={style[k]!.colour} stroke-width={style[k]!.width} stroke-dasharray={style[k]!.dash} /></svg>{word('edge', k)}</li>)}
        <li><svg width="14" height="14" aria-hidden="true"><circle cx="7" cy="7" r="5.5" fill="#fff" stroke="#5c6b68" stroke-width="1.5" stroke-dasharray="3 2" /></svg>{t('graph.ended')}</li>
      </ul>
      <svg class="graph-svg" viewBox={`0 0 ${W} ${height}`} role="img" aria-label={text}>
        {order.map((i) => {
          const p = spot[i]!;
          return <line key={`s${i}`} x1={cx} y1={cy} x2={p.x} y2={p.y} stroke="#c9d3d0" stroke-width="1.2" />;
        })}
        {edges.map((e, i) => {
          const a = spot[e.a];
          const b = spot[e.b];
          if (!a || !b) return null;
          const s = style[e.kind] ?? style.model!;
          // Drawn as an arc pulled towards the middle, so that lines of the ring stay apart.
          const mx = (a.x + b.x) / 2 + (cx - (a.x + b.x) / 2) * 0.35;
          const my = (a.y + b.y) / 2 + (cy - (a.y + b.y) / 2) * 0.35;
          const dim = at >= 0 && e.a !== at && e.b !== at;
          return (
            <path key={`e${i}`} d={`M${a.x} ${a.y}Q${mx} ${my} ${b.x} ${b.y}`} fill="none" stroke={s.colour} stroke-width={s.width} stroke-dasharray={s.dash} opacity={dim ? 0.12 : 0.35 + 0.65 * e.probability}>
              <title>{`${e.a + 1} – ${e.b + 1}: ${word('edge', e.kind)}, ${percent(e.probability, 2)}`}</title>
            </path>
          );
        })}
        <circle cx={cx} cy={cy} r="11" fill="#e7b93f" stroke="#062f2c" stroke-width="3" />
        {wrap(label, 22).map((line, i) => <text key={i} x={cx} y={cy + 32 + i * 17} text-anchor="middle" class="graph-name">{line}</text>)}
        {order.map((i) => {
          const p = spot[i]!;
          const r = records[i]!;
          const side = Math.abs(Math.cos(p.angle)) < 0.25 ? 'middle' : Math.cos(p.angle) > 0 ? 'start' : 'end';
          const dx = side === 'middle' ? 0 : side === 'start' ? 16 : -16;
          const up = side === 'middle' && Math.sin(p.angle) < 0;
          const lines = wrap(shortTitle(r.title) || r.source, side === 'middle' ? 26 : 18);
          const dim = at >= 0 && i !== at && !near.has(i);
          return (
            <g key={`n${i}`} opacity={dim ? 0.35 : 1} onMouseEnter={() => onAt(i)} onMouseLeave={() => onAt(-1)}>
              <circle cx={p.x} cy={p.y} r={i === at ? 13 : 11} fill={r.ended ? '#fff' : '#062f2c'} stroke={r.ended ? '#5c6b68' : '#fff'} stroke-width="2" stroke-dasharray={r.ended ? '3 2' : undefined} />
              <text x={p.x} y={p.y + 4.5} text-anchor="middle" class="graph-n" fill={r.ended ? '#14211f' : '#fff'}>{i + 1}</text>
              {lines.map((line, k) => (
                <text key={k} x={p.x + dx} y={up ? p.y - 20 - (lines.length - 1 - k) * 16 : side === 'middle' ? p.y + 28 + k * 16 : p.y + 5 + (k - (lines.length - 1) / 2) * 16} text-anchor={side} class="graph-text">{line}</text>
              ))}
            </g>
          );
        })}
      </svg>
    </figure>
  );
}
