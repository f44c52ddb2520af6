// Derives src/map/outlines.json, the provinces as SVG paths, from a GeoJSON of their outlines
// (properties code, name). Run by hand when the provinces change:
//   node web/map/make_outlines.mjs ../shared/data/vietnam/provinces_simplified.geojson
// Points are put on a grid of about a kilometre; what neighbours share stays shared, since
// equal points fall on equal grid points. Islands too small for the grid become dots, so that
// none, Hoàng Sa and Trường Sa above all, is lost.
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const GRID = 0.0125; // degrees of latitude
const SMALL = 12; // grid squares
const lonScale = Math.cos((16 * Math.PI) / 180);
const { features } = JSON.parse(readFileSync(process.argv[2], 'utf8'));

const west = 102.1;
const north = 23.45;
const put = ([lon, lat]) => [Math.round(((lon - west) * lonScale) / GRID), Math.round((north - lat) / GRID)];

function area(ring) {
  let sum = 0;
  for (let i = 0; i < ring.length; i++) {
    const [ax, ay] = ring[i];
    const [bx, by] = ring[(i + 1) % ring.length];
    sum += ax * by - bx * ay;
  }
  return sum / 2;
}

/** Grid points without repeats and without those on a straight line between their neighbours. */
function thin(ring) {
  const points = ring.map(put).filter((p, i, all) => i === 0 || p[0] !== all[i - 1][0] || p[1] !== all[i - 1][1]);
  if (points.length > 1 && points[0][0] === points.at(-1)[0] && points[0][1] === points.at(-1)[1]) points.pop();
  return points.filter((p, i) => {
    const a = points[(i + points.length - 1) % points.length];
    const b = points[(i + 1) % points.length];
    return (p[0] - a[0]) * (b[1] - p[1]) !== (b[0] - p[0]) * (p[1] - a[1]);
  });
}

function path(points) {
  let text = `M${points[0][0]} ${points[0][1]}l`;
  for (let i = 1; i < points.length; i++) {
    const dx = points[i][0] - points[i - 1][0];
    const dy = points[i][1] - points[i - 1][1];
    text += `${i > 1 && dx >= 0 ? ' ' : ''}${dx}${dy >= 0 ? ' ' : ''}${dy}`;
  }
  return `${text}z`;
}

let width = 0;
let height = 0;
const provinces = features.map((feature) => {
  const { code, name, nameEn } = feature.properties;
  const { type, coordinates } = feature.geometry;
  const polygons = type === 'MultiPolygon' ? coordinates : [coordinates];
  const dots = [];
  const shapes = [];
  let centre = [0, 0];
  let largest = 0;
  for (const polygon of polygons) {
    const points = thin(polygon[0]);
    const size = points.length < 3 ? 0 : Math.abs(area(points));
    for (const [x, y] of polygon[0].map(put)) {
      width = Math.max(width, x);
      height = Math.max(height, y);
    }
    if (size < SMALL) {
      const all = polygon[0].map(put);
      const dot = [Math.round(all.reduce((s, p) => s + p[0], 0) / all.length), Math.round(all.reduce((s, p) => s + p[1], 0) / all.length)];
      // Islets of one reef are one dot.
      if (!dots.some((d) => Math.hypot(d[0] - dot[0], d[1] - dot[1]) < 8)) dots.push(dot);
      continue;
    }
    shapes.push(path(points));
    if (size > largest) {
      largest = size;
      const a = area(points);
      let cx = 0;
      let cy = 0;
      for (let i = 0; i < points.length; i++) {
        const [x0, y0] = points[i];
        const [x1, y1] = points[(i + 1) % points.length];
        cx += (x0 + x1) * (x0 * y1 - x1 * y0);
        cy += (y0 + y1) * (x0 * y1 - x1 * y0);
      }
      centre = [Math.round(cx / (6 * a)), Math.round(cy / (6 * a))];
    }
  }
  return { code, vi: name, en: nameEn, d: shapes.join(''), dots, centre };
});

const out = join(dirname(fileURLToPath(import.meta.url)), '../src/map/outlines.json');
const text = `{"width":${width + 20},"height":${height + 20},"provinces":[\n${provinces.map((p) => JSON.stringify(p)).join(',\n')}\n]}\n`;
writeFileSync(out, text);
console.log(`${out}: ${text.length} bytes, ${width} x ${height}`);
for (const p of provinces) if (p.dots.length > 3) console.log(p.vi, p.dots.length, JSON.stringify(p.dots));
