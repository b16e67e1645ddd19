import type { FileKind, Recognised } from './file-kinds.ts';
import { type FileSample, latin1 } from './file-sample.ts';

/** The number that `torch.save` puts first into files of before version 1.6. */
const TORCH_MAGIC = '\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19';

/** Modules whose objects a pickle holds, by what they are; the first that is named decides. A `c` is the old sign of a class. */
const MODULES: readonly (readonly [pattern: RegExp, kind: FileKind])[] = [
  [/\bc?pandas[._]/, 'pandas-pickle'],
  [/\bc?(sklearn|imblearn)[._]/, 'sklearn-pickle'],
  [/\bc?lightgbm[._]/, 'lightgbm-pickle'],
  [/\bc?xgboost[._]/, 'xgboost-pickle'],
  [/\bc?_?catboost\b/, 'catboost-pickle'],
  [/\bc?torch[._]/, 'torch'],
  [/\bc?(keras|tensorflow)[._]/, 'keras'],
];

/** A Python pickle, and what kind of object is in it; joblib's files are pickles too. Errors: none. */
export function pickleKind({ head, name }: FileSample): Recognised | null {
  const text = latin1(head);
  if (text.startsWith(TORCH_MAGIC)) return { kind: 'torch' };
  if (!isPickle(head, text)) return null;
  const found = MODULES.map(([pattern, kind]) => ({ kind, at: text.search(pattern) })).filter(({ at }) => at >= 0);
  const first = found.toSorted((a, b) => a.at - b.at)[0];
  const kind = first?.kind ?? (/\.(pt|pth)$/i.test(name) ? 'torch' : 'pickle');
  return { kind };
}

// Protocols 2 to 5 begin with their number and an operator; before that, a text that names a class.
function isPickle(head: Uint8Array, text: string): boolean {
  const [mark = 0, protocol = 0, operator = 0] = head;
  if (mark === 0x80 && protocol >= 2 && protocol <= 5) {
    return protocol >= 4
      ? operator === 0x95 || /^[\x5d\x7d\x28\x8c\x4b\x4e]/.test(text[2] ?? '')
      : /^[\]}()cKXUG]/.test(text[2] ?? '');
  }
  // A memo or a mark follows, which a column of words does not have.
  return /^\(?[ci][A-Za-z_][\w.]*\n[A-Za-z_][\w.]*\n(p\d+\n|[q(])/.test(text);
}
