// Which characters of a text another lacks: longest common subsequence. Texts are short.
// Capitals are not a difference: sources write names either way.
const MOST = 200;

export interface Part { text: string; same: boolean }

export function charDiff(mine: string, other: string): Part[] {
  const a = [...mine.normalize('NFC')];
  const b = [...other.normalize('NFC')];
  if (mine === other) return [{ text: mine, same: true }];
  if (a.length > MOST || b.length > MOST) return [{ text: mine, same: false }];
  const width = b.length + 1;
  const same = (i: number, j: number) => a[i]!.toLowerCase() === b[j]!.toLowerCase();
  const length = new Uint16Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i--)
    for (let j = b.length - 1; j >= 0; j--)
      length[i * width + j] = same(i, j) ? length[(i + 1) * width + j + 1]! + 1 : Math.max(length[(i + 1) * width + j]!, length[i * width + j + 1]!);
  // Texts that have little in common are marked whole: single letters in common mean nothing.
  if (length[0]! * 2 < Math.max(a.length, b.length)) return [{ text: mine, same: false }];
  const parts: Part[] = [];
  const add = (text: string, same: boolean) => {
    const last = parts[parts.length - 1];
    if (last && last.same === same) last.text += text;
    else parts.push({ text, same });
  };
  let j = 0;
  for (let i = 0; i < a.length; i++) {
    while (j < b.length && !same(i, j) && length[i * width + j + 1]! >= length[(i + 1) * width + j]! && length[i * width + j + 1] === length[i * width + j]) j++;
    if (j < b.length && same(i, j)) {
      add(a[i]!, true);
      j++;
    } else add(a[i]!, false);
  }
  return parts;
}
