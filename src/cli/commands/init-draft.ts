import type { StoreConfig } from '../../base/contract/object-store.ts';
import type { DraftLine, DraftValue, ItemList } from '../../job/draft/draft-text.ts';
import { draftText } from '../../job/draft/draft-text.ts';
import type { FolderLayout } from '../../job/draft/folder-layout.ts';
import type { DraftBinding, DraftFeature, Remark } from '../../scoring/draft/draft-binding.ts';
import type { DraftReasons } from '../../scoring/draft/draft-reasons.ts';

/** Everything that stands in a draft. */
export interface DraftParts {
  readonly name: string;
  readonly stores: Readonly<Record<string, Partial<StoreConfig>>> | null;
  readonly registry?: string;
  readonly model: { readonly uri: string; readonly sha256: string } | { readonly ref: string };
  /** As the job file names it: one, or several that were given. */
  readonly input: string | readonly string[];
  readonly layout: FolderLayout;
  readonly binding: DraftBinding;
  readonly output: string;
  readonly predictions: { readonly store: string; readonly key: readonly string[]; readonly remark: Remark } | null;
  readonly hasLineage: boolean;
  /** What could be said of why rows are scored as they are; null where nothing can. */
  readonly reasons: DraftReasons | null;
}

/** The text of a job file with its guesses and questions. Errors: none. */
export function writeDraft(parts: DraftParts): string {
  const { binding, layout, predictions } = parts;
  const remarks: Remark[] = [...binding.features, ...(predictions === null ? [] : [predictions.remark])];
  const open = remarks.filter(({ certainty }) => certainty === 'question').length;
  const head = [
    'Written by prescore init. Every key: prescore help job-file',
    ...(open === 0
      ? []
      : [
          open === 1
            ? 'A draft with one question: answer the line with "?:" and take its question mark off; until then check and run refuse it.'
            : `A draft with ${open} questions: answer the lines with "?:" and take the question marks off; until then check and run refuse it.`,
        ]),
  ];
  const lines: DraftLine[] = [
    { key: 'prescore', value: 1 },
    { key: 'name', value: parts.name },
    ...(parts.stores === null ? [] : [{ key: 'stores', value: storesValue(parts.stores) }]),
    ...(parts.registry === undefined ? [] : [{ key: 'registry', value: parts.registry }]),
    { key: 'model', value: lineByLine(parts.model) },
    { key: 'input', value: inputLines(parts.input, layout) },
    ...partitionLines(layout),
    ...featureLines(binding),
    { key: 'outputs', value: [...binding.outputs.map(outputLine), ...reasonLines(parts.reasons)] },
    ...idLines(binding.id),
    { key: 'output', value: lineByLine({ uri: parts.output, lineage: parts.hasLineage }) },
    ...(predictions === null ? [] : [{ key: 'predictions', value: predictionLines(predictions) }]),
  ];
  return draftText(head, lines);
}

function storesValue(stores: Readonly<Record<string, Partial<StoreConfig>>>): DraftLine[] {
  return Object.entries(stores).map(([key, { endpoint, region, pathStyle }]) => ({
    key,
    value: {
      ...(typeof endpoint === 'string' ? { endpoint } : {}),
      ...(typeof region === 'string' ? { region } : {}),
      ...(pathStyle === undefined ? {} : { pathStyle }),
    },
  }));
}

function lineByLine(values: Readonly<Record<string, DraftValue>>): DraftLine[] {
  return Object.entries(values).map(([key, value]) => ({ key, value }));
}

function inputLines(input: DraftParts['input'], { pathColumns, notes, table }: FolderLayout): DraftLine[] {
  const remark = notes.map((note) => `guess: ${note}`).join('; ');
  const uri: DraftLine = { key: 'uri', value: typeof input === 'string' ? input : list(input), remark };
  if (table !== undefined) return [uri, { key: 'table', value: 'delta', remark: table }];
  return Object.keys(pathColumns).length === 0 ? [uri] : [uri, { key: 'pathColumns', value: pathColumns }];
}

function partitionLines({ partitions }: FolderLayout): DraftLine[] {
  if (partitions === null) return [];
  const { values, folder } = partitions;
  const isDaily = values.every((value) => /^\d{4}-\d{2}-\d{2}$/.test(value));
  const remark = isDaily
    ? `for days to come: { every: day, format: "%Y-%m-%d", start: ${values[0]} }`
    : `the folders ${folder} that are there; add those to come`;
  return [{ key: 'partitions', value: [{ key: 'values', value: list(values), remark }] }];
}

function list(items: readonly string[], of: ReadonlyMap<string, string> = new Map()): ItemList {
  return { items: items.map((item) => [item, of.get(item) ?? ''] as const) };
}

// Keys that no YAML file of prescore may hold: such inputs are fed by their names, which is what leaving `features` out means.
const UNWRITABLE: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

function featureLines({ features, leftOut }: DraftBinding): DraftLine[] {
  if (features.some(({ tensor }) => UNWRITABLE.has(tensor)) && features.every(isByName)) return [];
  const left = [...leftOut].map(([name, why]) => `${JSON.stringify(name)} (${why})`);
  const shown = left.slice(0, 12).join(', ') + (left.length > 12 ? `, … (${left.length})` : '');
  const remark = left.length === 0 ? '' : `left out: ${shown}`;
  return [{ key: 'features', value: features.map(featureLine), remark }];
}

function isByName({ tensor, feed, certainty }: DraftFeature): boolean {
  return certainty === 'sure' && 'columns' in feed && feed.columns.length === 1 && feed.columns[0] === tensor;
}

function featureLine({ tensor, feed, certainty, text, of }: DraftFeature): DraftLine {
  const isQuestion = certainty === 'question';
  const remark = text === '' ? '' : `${certainty}: ${text}`;
  if ('value' in feed)
    return { key: tensor, value: [{ key: 'value', value: scalarValue(feed.value), remark, isQuestion }] };
  if ('maskOf' in feed) return { key: tensor, value: [{ key: 'maskOf', value: feed.maskOf, remark, isQuestion }] };
  const [first = '', second] = feed.columns;
  if (second === undefined && !isQuestion && of === undefined) return { key: tensor, value: first, remark };
  return { key: tensor, value: [{ key: 'columns', value: list(feed.columns, of), remark, isQuestion }] };
}

// Only scalars are ever suggested.
function scalarValue(value: unknown): DraftValue {
  return typeof value === 'number' || typeof value === 'boolean' ? value : String(value);
}

function outputLine({ column, tensor, index, text }: DraftBinding['outputs'][number]): DraftLine {
  return { key: column, value: index === undefined ? tensor : { tensor, index }, remark: text };
}

// As a comment.
function reasonLines(reasons: DraftReasons | null): DraftLine[] {
  if (reasons === null) return [];
  const { column, spec, remark } = reasons;
  const { explain, count, index } = spec;
  const value = { explain, ...(count === null ? {} : { count }), ...(index === null ? {} : { index }) };
  return [{ key: column, value, remark, isOff: true }];
}

function idLines({ columns, certainty, text }: DraftBinding['id']): DraftLine[] {
  if (columns.length === 0) return [];
  return [{ key: 'id', value: columns, remark: text === '' ? '' : `${certainty}: ${text}` }];
}

function predictionLines({ store, key, remark }: NonNullable<DraftParts['predictions']>): DraftLine[] {
  const isQuestion = remark.certainty === 'question';
  const lines: DraftLine[] = [
    { key: 'store', value: store },
    { key: 'key', value: key, remark: remark.text === '' ? '' : `${remark.certainty}: ${remark.text}`, isQuestion },
  ];
  // A guessed key must not drop rows in silence.
  return remark.certainty === 'sure' ? lines : [...lines, { key: 'onDuplicateKey', value: 'error' }];
}
