import { columnsOfOutput, type ExplainOutput } from '../../base/contract/job.ts';
import type { ExplainSignature } from '../../base/contract/signature.ts';
import type { DraftBinding } from './draft-binding.ts';

/** An output that a job could ask for. */
export interface DraftReasons {
  readonly column: string;
  readonly spec: ExplainOutput;
  readonly remark: string;
}

const MANY = 3;

/** The output that explains the scores of a tree model, under a name that is free; null for other models. Errors: none. */
export function reasonsOf(
  explains: ExplainSignature | undefined,
  { outputs, id }: Pick<DraftBinding, 'outputs' | 'id'>,
  others: readonly string[],
): DraftReasons | null {
  if (explains === undefined || (explains.why !== undefined && explains.wantsBackground !== true)) return null;
  const { features, targets, ofAnswer } = explains;
  const spec: ExplainOutput =
    typeof features === 'string'
      ? { explain: 'contributions', count: null, index: null }
      : { explain: 'top', count: MANY, index: targets > 1 && ofAnswer === null ? 0 : null };
  const what =
    spec.explain === 'top'
      ? 'the features that weigh most in a row, and what they add to its raw score'
      : 'what each feature adds to the raw score of a row';
  const beside = explains.wantsBackground === true ? '; needs model: { background: … }, up to 100 rows' : '';
  const taken = new Set([...outputs.map((o) => o.column), ...id.columns, ...others].map((name) => name.toLowerCase()));
  const isFree = (name: string): boolean => columnsOfOutput(name, spec).every((one) => !taken.has(one.toLowerCase()));
  let column = 'reasons';
  for (let i = 2; !isFree(column); i++) column = `reasons_${i}`;
  return { column, spec, remark: `take off the # to get ${what}${beside}` };
}
