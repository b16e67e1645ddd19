import type { TensorSignature } from '../../base/contract/signature.ts';
import type { DraftColumn } from './column-roles.ts';
import type { DraftFeature } from './draft-binding.ts';

/** Inputs that text encoders have beside their tokens, by name: one value for each token, which is the same in nearly every table. */
const MASK = /mask/i;
const KINDS = /token_?type|segment/i;

/** Whether a tensor is one that goes with lists: [N, T] of that name. */
export function isCompanion({ name, dims, type }: TensorSignature): boolean {
  return dims.length === 2 && dims[1] !== 1 && type !== 'string' && (MASK.test(name) || KINDS.test(name));
}

/**
 * Feeds a companion from the one input that a list column feeds: a mask of its lists, or zeros for the kinds of its tokens. Lists of one length
 * for all rows may be padded already, which only a person knows. Null where no input, or more than one, could be meant. Errors: none.
 */
export function feedCompanion(
  tensor: TensorSignature,
  inputs: readonly TensorSignature[],
  fed: ReadonlyMap<string, DraftFeature>,
  columns: readonly DraftColumn[],
): DraftFeature | null {
  if (!isCompanion(tensor)) return null;
  const lists = new Set(columns.filter(({ kind }) => kind?.list === true).map(({ name }) => name));
  const sources = inputs.filter(({ name, dims }) => {
    const feed = fed.get(name)?.feed;
    return dims[1] === tensor.dims[1] && feed !== undefined && 'columns' in feed && lists.has(feed.columns[0] ?? '');
  });
  const axis = tensor.axes?.[1];
  const named = sources.filter(({ axes }) => axis != null && axes?.[1] === axis);
  const source = named[0] ?? (sources.length === 1 ? sources[0] : undefined);
  if (source === undefined) return null;
  if (MASK.test(tensor.name) && tensor.dims[1] !== null) {
    const text = `1 for each element, by its name, is right where no list of ${source.name} is padded to its ${tensor.dims[1]}; else name the column of the mask`;
    return { tensor: tensor.name, feed: { value: 1 }, certainty: 'question', text };
  }
  if (MASK.test(tensor.name)) {
    const text = 'a mask, by its name: 1 for each element of the lists';
    return { tensor: tensor.name, feed: { maskOf: source.name }, certainty: 'guess', text };
  }
  const text = 'kinds of tokens, by its name: all 0, as of one text a row';
  return { tensor: tensor.name, feed: { value: 0 }, certainty: 'guess', text };
}
