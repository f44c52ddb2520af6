// Bundles the console and the citizens' pages into dist/: hashed file names, each with its brotli and gzip copy, so
// that the daemon only ever sends files. The new dist/ replaces the old one at the end.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import * as esbuild from 'esbuild';
import * as sass from 'sass';

const here = dirname(fileURLToPath(import.meta.url));
const next = join(here, 'dist.new');
rmSync(next, { recursive: true, force: true });
mkdirSync(join(next, 'assets'), { recursive: true });

const sassPlugin = {
  name: 'sass',
  setup(build) {
    build.onLoad({ filter: /\.scss$/ }, ({ path }) => {
      const { css } = sass.compile(path, {
        loadPaths: [join(here, 'node_modules')],
        quietDeps: true,
        silenceDeprecations: ['if-function'],
      });
      return { contents: css, loader: 'css', resolveDir: here };
    });
  },
};

// A document for each bundle; the server answers a path by the nearest one above it, so the
// console's also stands where a page of its own lies among the citizens'.
const entries = [
  { name: 'app', script: 'src/main.tsx', html: 'src/index.html', documents: ['index.html', 'eid/desk.html'] },
  { name: 'eid', script: 'src/eid/main.tsx', html: 'src/eid/index.html', documents: ['eid.html'] },
];

const result = await esbuild.build({
  absWorkingDir: here,
  entryPoints: Object.fromEntries(entries.map((e) => [e.name, e.script])),
  outdir: next,
  bundle: true,
  format: 'esm',
  splitting: true,
  minify: true,
  target: ['chrome100', 'firefox100', 'safari15.4'],
  jsx: 'automatic',
  jsxImportSource: 'preact',
  entryNames: 'assets/[name]-[hash]',
  chunkNames: 'assets/[name]-[hash]',
  assetNames: 'assets/[name]-[hash]',
  publicPath: '/',
  loader: { '.woff2': 'file', '.json': 'json' },
  legalComments: 'none',
  metafile: true,
  plugins: [sassPlugin],
  logLevel: 'warning',
});

const outputs = Object.keys(result.metafile.outputs).map((file) => basename(file));
const find = (pattern) => outputs.find((name) => pattern.test(name));
const fonts = [find(/latin-400-.*woff2$/), find(/vietnamese-400-.*woff2$/)];

const icon = readFileSync(join(here, 'src/icon.svg'));
const iconName = `icon-${createHash('sha256').update(icon).digest('hex').slice(0, 8)}.svg`;
writeFileSync(join(next, 'assets', iconName), icon);

for (const entry of entries) {
  const [file, output] = Object.entries(result.metafile.outputs).find(([, o]) => o.entryPoint === entry.script);
  const script = basename(file);
  const style = basename(output.cssBundle);
  const imported = output.imports.filter((i) => i.kind === 'import-statement').map((i) => basename(i.path));
  const html = readFileSync(join(here, entry.html), 'utf8')
    .replace('{{icon}}', `/assets/${iconName}`)
    .replace('{{style}}', `/assets/${style}`)
    .replace('{{script}}', `/assets/${script}`)
    .replace('{{preload}}', [
      ...fonts.map((f) => `<link rel="preload" href="/assets/${f}" as="font" type="font/woff2" crossorigin>`),
      ...imported.map((f) => `<link rel="modulepreload" href="/assets/${f}">`),
    ].join('\n    '));
  for (const name of entry.documents) {
    mkdirSync(dirname(join(next, name)), { recursive: true });
    writeFileSync(join(next, name), html);
  }
  entry.first = [entry.documents[0], script, style, ...imported];
}

// woff2 is compressed already.
const sizes = {};
function compress(dir) {
  for (const name of readdirSync(dir)) {
    const path = join(dir, name);
    if (statSync(path).isDirectory()) {
      compress(path);
      continue;
    }
    const bytes = readFileSync(path);
    sizes[name] = bytes.length;
    if (name.endsWith('.woff2')) continue;
    const small = brotliCompressSync(bytes, {
      params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length },
    });
    writeFileSync(`${path}.br`, small);
    writeFileSync(`${path}.gz`, gzipSync(bytes, { level: 9 }));
    sizes[name] = small.length;
  }
}
compress(next);

const dist = join(here, 'dist');
rmSync(`${dist}.old`, { recursive: true, force: true });
try {
  renameSync(dist, `${dist}.old`);
} catch (error) {
  if (error.code !== 'ENOENT') throw error;
}
renameSync(next, dist);
rmSync(`${dist}.old`, { recursive: true, force: true });

const total = Object.values(sizes).reduce((sum, n) => sum + n, 0);
const kb = (n) => `${(n / 1024).toFixed(1)} KB`;
const first = (entry) => kb([...new Set(entry.first)].reduce((sum, n) => sum + sizes[n], 0));
console.log(`web: built dist: ${outputs.length} files, ${kb(total)} compressed; without fonts ${entries.map((e) => `${e.name} ${first(e)}`).join(', ')}`);
