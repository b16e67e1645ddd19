import type { TensorSignature } from '../../base/contract/signature.ts';
import { nearestKey } from '../../job/values/nearest-key.ts';
import { type DraftColumn, foldName } from './column-roles.ts';
import { type DraftFeature, SURE } from './draft-binding.ts';
import { fits, fitsAsValue } from './fits.ts';

/** How a wanted name was found among the columns. */
interface Match {
  readonly wanted: string;
  /** The column to write down; the wanted name itself where there is none, so that its place is kept. */
  readonly column: string;
  readonly how: 'same' | 'alike' | 'near' | 'none';
}

/** The column of exactly the tensor's name, when it fits. Errors: none. */
export function feedBySameName(tensor: TensorSignature, columns: readonly DraftColumn[]): DraftFeature | null {
  const column = columns.find(({ name }) => name === tensor.name);
  if (column === undefined || !fits(tensor, column)) return null;
  return { tensor: tensor.name, feed: { columns: [column.name] }, ...SURE };
}

/**
 * The one column whose name differs from the tensor's in case or signs only. A guess that runs: `siblings` are the other names that
 * are looked for, none of which may be alike.
 */
export function feedByAlikeName(
  tensor: TensorSignature,
  columns: readonly DraftColumn[],
  siblings: readonly string[],
): DraftFeature | null {
  const found = alike(
    tensor.name,
    columns.filter((c) => fits(tensor, c)),
    siblings,
  );
  if (found === null) return null;
  const text = `the model calls it ${JSON.stringify(tensor.name)}`;
  return { tensor: tensor.name, feed: { columns: [found] }, certainty: 'guess', text };
}

/** A tensor of one value a row that no column is named after: a question with the nearest name, or with its own. */
export function askForName(tensor: TensorSignature, free: readonly DraftColumn[]): DraftFeature {
  const near = nearestKey(
    tensor.name,
    free.filter((c) => fits(tensor, c)).map(({ name }) => name),
  );
  const text =
    near === undefined
      ? `no column is named ${JSON.stringify(tensor.name)}; which one is it? ${sayFree(free)}`
      : `no column is named ${JSON.stringify(tensor.name)}; is it the nearest, ${JSON.stringify(near)}?`;
  return { tensor: tensor.name, feed: { columns: [near ?? tensor.name] }, certainty: 'question', text };
}

/** A tensor of many values whose names and order the model's metadata gives. Errors: none. */
export function feedByNames(
  tensor: TensorSignature,
  names: readonly string[],
  columns: readonly DraftColumn[],
): DraftFeature {
  const usable = columns.filter((c) => fitsAsValue(tensor, c));
  const matches = names.map((wanted) => matchOf(wanted, names, usable));
  const open = matches.filter(({ how }) => how === 'near' || how === 'none');
  const of = new Map<string, string>();
  for (const { wanted, column, how } of matches) {
    if (how === 'alike') of.set(column, `guess: the model calls it ${JSON.stringify(wanted)}`);
    if (how === 'near') of.set(column, `guess: the nearest to ${JSON.stringify(wanted)}`);
    if (how === 'none') of.set(column, 'not in the table');
  }
  const feed = { columns: matches.map(({ column }) => column) };
  if (open.length > 0) {
    const list = open.slice(0, 5).map(({ wanted, column, how }) => {
      const near = how === 'near' ? ` (nearest: ${JSON.stringify(column)})` : '';
      return `${JSON.stringify(wanted)}${near}`;
    });
    const more = open.length > 5 ? `, … (${open.length})` : '';
    const text = `the table lacks what the model's metadata names: ${list.join(', ')}${more}`;
    return { tensor: tensor.name, feed, certainty: 'question', text, of };
  }
  const isSame = matches.every(({ how }) => how === 'same');
  const text = isSame ? '' : "names of the model's metadata, but for case and signs";
  return { tensor: tensor.name, feed, certainty: isSame ? 'sure' : 'guess', text, of };
}

function matchOf(wanted: string, all: readonly string[], columns: readonly DraftColumn[]): Match {
  if (columns.some(({ name }) => name === wanted)) return { wanted, column: wanted, how: 'same' };
  const others = all.filter((name) => name !== wanted);
  const taken = new Set(others);
  const free = columns.filter(({ name }) => !taken.has(name));
  const same = alike(wanted, free, others);
  if (same !== null) return { wanted, column: same, how: 'alike' };
  const near = nearestKey(
    wanted,
    free.map(({ name }) => name),
  );
  return near === undefined ? { wanted, column: wanted, how: 'none' } : { wanted, column: near, how: 'near' };
}

function alike(wanted: string, columns: readonly DraftColumn[], siblings: readonly string[]): string | null {
  const folded = foldName(wanted);
  if (folded === '' || siblings.some((name) => name !== wanted && foldName(name) === folded)) return null;
  const found = columns.filter(({ name }) => foldName(name) === folded);
  return found.length === 1 ? found[0]!.name : null;
}

const MOST_SHOWN = 12;

/** `The table has "a", "b".` */
export function sayFree(columns: readonly DraftColumn[]): string {
  if (columns.length === 0) return 'No column of the table is left.';
  const shown = columns.slice(0, MOST_SHOWN).map(({ name }) => JSON.stringify(name));
  return `The table has ${shown.join(', ')}${columns.length > MOST_SHOWN ? `, … (${columns.length})` : ''}.`;
}
