import type { BoundInput, BoundOutput } from '../../base/contract/binding.ts';
import { columnsOfOutput, type ExplainOutput } from '../../base/contract/job.ts';
import type { ExplainSignature, Signature, TreeFeature } from '../../base/contract/signature.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';

/**
 * Binds the columns of an output that explains: of `top` the names and their contributions. Names are filled in by `nameReasons`, when it is
 * known which columns feed the model.
 *
 * Errors: SIGNATURE_MISMATCH where the model cannot be explained, or not so.
 */
export function bindReasons(column: string, spec: ExplainOutput, signature: Signature, where: string): BoundOutput[] {
  const refuse = refusing(column, where);
  const { explains } = signature;
  if (explains === undefined)
    return refuse('only tree models are explained', 'a tree model', 'another', 'Leave out explain.');
  if (explains.why !== undefined)
    return refuse(explains.why, 'a model that can be explained', 'this one', 'Leave out explain.');
  const { tensor } = explains;
  const base = { column, tensor, tensorType: 'float64', index: null, labels: null } as const;
  if (spec.explain === 'contributions') return [{ ...base, kind: 'list', type: 'DOUBLE[]' }];
  if (typeof explains.features === 'string')
    return refuse(explains.features, 'features with names', 'none', 'Take all contributions: explain: contributions.');
  const [names, values] = columnsOfOutput(column, spec) as [string, string];
  const { target, fetched } = scoreOf(spec, explains, refuse);
  const features = explains.features.length;
  const top = { count: Math.min(spec.count ?? features, features), features, target };
  return [
    { ...base, tensor: fetched, column: names, kind: 'reasons', type: 'VARCHAR[]', top },
    { ...base, tensor: fetched, column: values, kind: 'contributions', type: 'DOUBLE[]', top },
  ];
}

type Refuse = (what: string, expected: string, got: string, fix: string) => never;

function refusing(column: string, where: string): Refuse {
  return (what, expected, got, fix) => {
    throw new PrescoreError('SIGNATURE_MISMATCH', { what: `outputs.${column}: ${what}`, where, expected, got, fix });
  };
}

/** Which score is explained, and what fetches its contributions. */
function scoreOf(
  { index }: ExplainOutput,
  { targets, tensor, ofAnswer }: ExplainSignature,
  refuse: Refuse,
): { target: number; fetched: string } {
  if (index !== null && index >= targets)
    refuse('the model has no such score', `an index below ${targets}`, String(index), 'Name one that it has.');
  if (index !== null || targets === 1) return { target: index ?? 0, fetched: tensor };
  if (ofAnswer !== null) return { target: 0, fetched: ofAnswer };
  return refuse(
    'the model gives several scores a row',
    `index: 0 to ${targets - 1}`,
    'no index',
    'Say which is explained by index:.',
  );
}

/** The same outputs, with the names of features in those that need them. Errors: none. */
export function nameReasons(
  outputs: readonly BoundOutput[],
  { explains }: Signature,
  inputs: readonly BoundInput[],
): BoundOutput[] {
  const features = explains?.features;
  if (features === undefined || typeof features === 'string') return [...outputs];
  const bound = new Map(inputs.map((input) => [input.tensor, input]));
  const width = new Map<string, number>();
  for (const { input, at } of features) width.set(input, Math.max(width.get(input) ?? 0, at + 1));
  const labels = features.map((feature) => nameOf(feature, bound.get(feature.input), width.get(feature.input)!));
  return outputs.map((output) => (output.kind === 'reasons' ? { ...output, labels } : output));
}

// An input of one value has a name of its own; the values of wider ones are called as the columns that feed them.
function nameOf({ input, at }: TreeFeature, bound: BoundInput | undefined, width: number): string {
  if (bound?.kind === 'columns' && (width > 1 || bound.columns.length > 1))
    return bound.columns[at] ?? `${input}[${at}]`;
  if (bound?.kind === 'list') return `${bound.column}[${at}]`;
  return width > 1 ? `${input}[${at}]` : input;
}
