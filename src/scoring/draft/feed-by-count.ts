import type { TensorSignature } from '../../base/contract/signature.ts';
import { describeTensor } from '../tensor/bind-features.ts';
import { type DraftColumn, foldName } from './column-roles.ts';
import { type DraftFeature, SURE } from './draft-binding.ts';
import { fitsAsList, isCandidate, isSingle, widthOf } from './fits.ts';

/**
 * Feeds a tensor that no column is named after: from the only list column, else from as many columns as it has values. Only what
 * can be nothing else is sure; columns that fit by their number alone are a question, since their order decides the values.
 *
 * `free` are the columns that feed nothing else; `isConfirmed`: somebody said that the table's order is the model's.
 *
 * Errors: none.
 */
export function feedByCount(tensor: TensorSignature, free: readonly DraftColumn[], isConfirmed: boolean): DraftFeature {
  const make = (columns: readonly DraftColumn[], remark: Omit<DraftFeature, 'tensor' | 'feed'>): DraftFeature => ({
    tensor: tensor.name,
    feed: { columns: columns.length > 0 ? columns.map(({ name }) => name) : [tensor.name] },
    ...remark,
  });
  const lists = free.filter((c) => !c.isOut && fitsAsList(tensor, c));
  const firm = free.filter((c) => isCandidate(tensor, c));
  const width = widthOf(tensor);
  if (lists.length === 1 && (isSingle(tensor) || firm.length !== width)) return make(lists, SURE);
  if (lists.length > 1 && firm.length !== width) {
    const names = lists.map(({ name }) => JSON.stringify(name)).join(', ');
    return make(lists.slice(0, 1), { certainty: 'question', text: `which list column is it: ${names}?` });
  }
  if (width === 1 && firm.length === 1) return make(firm, SURE);
  const { columns, of } = chooseColumns(tensor, firm, width);
  const isRight = width === null ? columns.length > 0 : columns.length === width;
  if (isRight && (isConfirmed || isSeries(columns, firm))) {
    const text = isConfirmed ? '' : 'numbered columns, in the order of their numbers';
    return make(columns, { certainty: isConfirmed ? 'sure' : 'guess', text });
  }
  return make(columns, { certainty: 'question', text: ask(tensor, columns, firm, isRight), of });
}

interface Choice {
  readonly columns: readonly DraftColumn[];
  readonly of: ReadonlyMap<string, string>;
}

/** The columns that the tensor most likely takes, in file order. */
function chooseColumns(tensor: TensorSignature, firm: readonly DraftColumn[], width: number | null): Choice {
  const likely = firm.filter(({ doubt }) => doubt === null);
  const floats = likely.filter(({ type }) => type === 'FLOAT' || type === 'DOUBLE');
  const own = likely.filter(({ name }) => foldName(name).startsWith(foldName(tensor.name)));
  const series = firm.filter(({ name }) => seriesOf(name) !== null);
  const exact = [own, likely, series, floats, firm].find((columns) => columns.length === width);
  const columns = exact ?? (likely.length > 0 ? likely : firm);
  const of = new Map<string, string>();
  for (const { name, doubt } of columns) if (doubt !== null) of.set(name, `guess: ${doubt}`);
  return { columns, of };
}

function ask(
  tensor: TensorSignature,
  columns: readonly DraftColumn[],
  firm: readonly DraftColumn[],
  isRight: boolean,
): string {
  const takes = `${tensor.name} takes ${describeTensor(tensor)}`;
  if (firm.length === 0) return `${takes}; no column of the table can feed it`;
  const width = widthOf(tensor);
  if (width === 1) return `${takes}; which column is it?`;
  if (isRight) {
    return `${takes}; the model has no names, so these ${columns.length} fit by their number alone: are they its columns, in the order of the training?`;
  }
  if (width === null) return `${takes} and leaves open how many; which columns are they, in the order of the training?`;
  const verb = columns.length > width ? 'take out those that are no features' : 'some are missing';
  return `${takes}, and ${columns.length} columns fit: ${verb}, and put them in the order of the training`;
}

interface Numbered {
  readonly stem: string;
  readonly number: number;
}

/** `f12`, `x_3`, `feature 7`, `V28`. */
function seriesOf(name: string): Numbered | null {
  const [, stem, digits] = /^(.*?[^\d])?(\d{1,6})$/.exec(name) ?? [];
  return digits === undefined ? null : { stem: stem ?? '', number: Number(digits) };
}

/** Whether the columns are one series without gaps, in file order, and nothing else could be meant. */
function isSeries(columns: readonly DraftColumn[], firm: readonly DraftColumn[]): boolean {
  if (columns.length < 2 || firm.some((c) => c.doubt === null && !columns.includes(c))) return false;
  const numbers = columns.map(({ name }) => seriesOf(name));
  const [first] = numbers;
  if (first === null || first === undefined || first.number > 1) return false;
  return numbers.every((n, i) => n !== null && n.stem === first.stem && n.number === first.number + i);
}
