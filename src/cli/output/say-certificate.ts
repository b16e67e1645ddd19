import { type Certificate, EXACT_POLICIES } from '../../base/contract/exact.ts';
import { sayRowDependence } from '../../base/contract/row-dependence.ts';
import { sayBatch, sayValues } from '../../model/certify/not-exact.ts';
import { sayPolicy } from './say-policy.ts';

/** Prints a certificate for people. `kept`: where it was written. */
export function printCertificate(
  certificate: Certificate,
  model: string,
  kept: readonly string[],
  out: NodeJS.WritableStream,
): void {
  const { policy, rows, realRows, sizes, processes, graph, counterexample } = certificate;
  const line = (name: string, text: string): void => void out.write(`  ${name.padEnd(9)}${text}\n`);
  out.write(`${model}: ${policy === null ? 'no policy holds' : sayPolicy(policy)}\n`);
  line('model', `${certificate.modelSha256.slice(0, 12)}…, by ${certificate.engine}, ${certificate.threads} thread`);
  line('on', `${certificate.host}; ONNX Runtime ${certificate.runtime.onnxruntime}`);
  if (policy !== null) {
    const real = realRows === 0 ? 'made up' : `${realRows} of them real`;
    line(
      'rows',
      `${rows}, ${real}, in batches of ${sizes[0]} to ${sizes.at(-1)}, in ${processes} process${processes === 1 ? '' : 'es'}`,
    );
  }
  for (const trial of certificate.trials)
    line(trial.policy, trial.holds ? 'holds' : `does not: a row gets other bits in a batch of ${trial.failedAt}`);
  for (const { operator, node, why } of graph) line('graph', `${operator} (${node}): ${why}`);
  printCosts(certificate, out);
  if (policy === null) line('why', sayWhy(certificate));
  if (counterexample !== null) {
    const { output, a, b } = counterexample;
    line('proof', `output ${output}: ${sayValues(a)} as ${sayBatch(a)}, ${sayValues(b)} as ${sayBatch(b)}`);
  }
  for (const place of kept) line('written', place);
}

function sayWhy({ why }: Certificate): string {
  if (why !== null && why !== 'untried') return sayRowDependence(why);
  return 'the model refuses made-up rows, or takes too long for one; --data tries rows of its own';
}

function printCosts({ costs }: Certificate, out: NodeJS.WritableStream): void {
  if (costs.length === 0) return;
  const sizes = [...new Set(costs.map(({ rows }) => rows))];
  const cells = (head: string, values: readonly string[]): string =>
    `  ${head.padEnd(9)}${values.map((value) => value.padStart(11)).join('')}\n`;
  out.write(
    cells(
      'rows/s',
      sizes.map((rows) => `of ${rows}`),
    ),
  );
  for (const policy of EXACT_POLICIES) {
    const own = sizes.map((rows) => costs.find((cost) => cost.policy === policy && cost.rows === rows)?.rowsPerSecond);
    out.write(
      cells(
        policy,
        own.map((value) => (value === undefined ? '' : value.toLocaleString('en'))),
      ),
    );
  }
}
