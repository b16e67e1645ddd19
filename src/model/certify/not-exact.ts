import type { ExactFinding, ProofBatch } from '../../base/contract/exact.ts';
import { sayRowDependence } from '../../base/contract/row-dependence.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';

const UNTRIED = 'the model refuses made-up rows, or takes too long for one: nothing is known of its bits';

/** The error of a model that has no policy where one is required. `kept`: where its certificate lies. */
export function notExact(
  finding: Pick<ExactFinding, 'why' | 'counterexample'>,
  where: string,
  kept: string | null,
): PrescoreError {
  const { why, counterexample } = finding;
  if (why === 'untried' || why === null) {
    const fix = "prescore certify JOB tries it with rows of the job's own data; or set execution.exact: prefer.";
    return new PrescoreError('MODEL_NOT_EXACT', { what: UNTRIED, where, fix });
  }
  const what = sayRowDependence(why);
  if (why === 'threads') {
    const fix = 'Set execution.intraOpThreads: 1; several scorers are faster than several threads.';
    return new PrescoreError('MODEL_NOT_EXACT', { what, where, fix });
  }
  if (counterexample === null) return new PrescoreError('MODEL_NOT_EXACT', { what, where });
  const { output, a, b } = counterexample;
  return new PrescoreError('MODEL_NOT_EXACT', {
    what,
    where: kept === null ? `${where}, output ${output}` : `${where}, output ${output}; the two batches: ${kept}`,
    expected: `${sayValues(a)} as in ${sayBatch(a)}`,
    got: `${sayValues(b)} in ${sayBatch(b)}`,
    data: { counterexample },
  });
}

/** A batch in words: how many rows it has, and which one is meant. */
export function sayBatch({ inputs, row }: ProofBatch): string {
  const [first] = Object.values(inputs);
  return `row ${row} of a batch of ${first?.dims[0] ?? '?'}`;
}

/** What a row got. */
export function sayValues({ values }: ProofBatch): string {
  const shown = values.slice(0, 4).join(', ');
  return values.length === 1 ? shown : `[${shown}${values.length > 4 ? ', …' : ''}]`;
}
