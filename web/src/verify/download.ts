// A file that only a stated purpose opens: the browser cannot send one with a plain link.
import { call } from '../core/api';

export async function download(path: string, name: string, type: string) {
  const text = await call<string>(path, { asText: true });
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}
