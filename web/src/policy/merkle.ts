// RFC 9162 in the browser: what anyone may check without trusting the server. SHA-256 and
// Ed25519 are the browser's own (WebCrypto).

export type Hash = Uint8Array<ArrayBuffer>;

export interface Step { side: 'left' | 'right' | 'both' | 'skip'; other: Hash | null; result: Hash }

const sha256 = async (bytes: Hash): Promise<Hash> => new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));

function join(...parts: (Uint8Array | number[])[]): Hash {
  const out = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

export const leafHash = (entry: string): Promise<Hash> => sha256(join([0], new TextEncoder().encode(entry)));
export const nodeHash = (left: Hash, right: Hash): Promise<Hash> => sha256(join([1], left, right));

export function fromHex(text: string): Hash {
  if (!/^(?:[0-9a-f]{2})*$/i.test(text)) throw new RangeError('not hexadecimal');
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

export const toHex = (bytes: Uint8Array): string => Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join('');

export const equal = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && a.every((byte, i) => byte === b[i]);

const half = (n: number) => Math.floor(n / 2);
const odd = (n: number) => n % 2 === 1;

/** Section 2.1.3.2: the root that the leaf and the path lead to, with every step. */
export async function inclusionRoot(leaf: Hash, seq: number, size: number, path: Hash[]): Promise<{ root: Hash | null; steps: Step[] }> {
  const steps: Step[] = [];
  if (seq >= size) return { root: null, steps };
  let fn = seq;
  let sn = size - 1;
  let r = leaf;
  for (const p of path) {
    if (sn === 0) return { root: null, steps };
    if (odd(fn) || fn === sn) {
      r = await nodeHash(p, r);
      steps.push({ side: 'left', other: p, result: r });
      while (!odd(fn) && fn !== 0) {
        fn = half(fn);
        sn = half(sn);
      }
    } else {
      r = await nodeHash(r, p);
      steps.push({ side: 'right', other: p, result: r });
    }
    fn = half(fn);
    sn = half(sn);
  }
  return { root: sn === 0 ? r : null, steps };
}

/** Section 2.1.4.2: the two roots that the path leads to; they must be the two heads' roots. */
export async function consistencyRoots(first: number, second: number, firstRoot: Hash, path: Hash[]): Promise<{ first: Hash | null; second: Hash | null; steps: Step[] }> {
  const steps: Step[] = [];
  if (first < 1 || first > second) return { first: null, second: null, steps };
  if (first === second) return path.length ? { first: null, second: null, steps } : { first: firstRoot, second: firstRoot, steps };
  const proof = [...path];
  // A first tree that is a complete subtree is its own first node.
  let power = 1;
  while (power < first) power *= 2;
  if (power === first) proof.unshift(firstRoot);
  if (!proof.length) return { first: null, second: null, steps };
  let fn = first - 1;
  let sn = second - 1;
  while (odd(fn)) {
    fn = half(fn);
    sn = half(sn);
  }
  let fr = proof[0]!;
  let sr = proof[0]!;
  for (const c of proof.slice(1)) {
    if (sn === 0) return { first: null, second: null, steps };
    if (odd(fn) || fn === sn) {
      fr = await nodeHash(c, fr);
      sr = await nodeHash(c, sr);
      steps.push({ side: 'both', other: c, result: sr });
      while (!odd(fn) && fn !== 0) {
        fn = half(fn);
        sn = half(sn);
      }
    } else {
      sr = await nodeHash(sr, c);
      steps.push({ side: 'right', other: c, result: sr });
    }
    fn = half(fn);
    sn = half(sn);
  }
  return sn === 0 ? { first: fr, second: sr, steps } : { first: null, second: null, steps };
}

export interface Head { size: number; time_ms: number; time: string; root: string; signature: string; algorithm?: string; key: string; key_id?: string }

/** The signature over RFC 9162 TreeHeadDataV2; undefined where the browser has no Ed25519. */
export async function headSigned(head: Head): Promise<boolean | undefined> {
  const data = new Uint8Array(51);
  const view = new DataView(data.buffer);
  view.setBigUint64(0, BigInt(head.time_ms));
  view.setBigUint64(8, BigInt(head.size));
  data[16] = 32;
  data.set(fromHex(head.root), 17);
  try {
    const key = await crypto.subtle.importKey('raw', fromHex(head.key), { name: 'Ed25519' }, false, ['verify']);
    return await crypto.subtle.verify({ name: 'Ed25519' }, key, fromHex(head.signature), data);
  } catch (error) {
    if ((error as Error).name === 'NotSupportedError') return undefined;
    return false;
  }
}

/**
 * The very text of each entry in an answer of /api/audit/entries: the leaf is those bytes,
 * and parsing and writing JSON again might not give them back.
 */
export function rawEntries(answer: string): string[] {
  const found: string[] = [];
  let depth = 0;
  let key = '';
  let start = -1;
  let startDepth = 0;
  for (let i = 0; i < answer.length; i++) {
    const c = answer[i]!;
    if (c === '"') {
      const from = i + 1;
      for (i++; answer[i] !== '"'; i++) {
        if (i >= answer.length) return found;
        if (answer[i] === '\\') i++;
      }
      if (start < 0) key = answer.slice(from, i);
    } else if (c === '{' || c === '[') {
      depth++;
      // { "entries": [ { "entry": { … } } ] }: the fourth bracket, under the key "entry".
      if (start < 0 && depth === 4 && c === '{' && key === 'entry') {
        start = i;
        startDepth = depth;
      }
    } else if (c === '}' || c === ']') {
      if (start >= 0 && depth === startDepth) {
        found.push(answer.slice(start, i + 1));
        start = -1;
        key = '';
      }
      depth--;
    }
  }
  return found;
}
