import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { prescore } from '../../test/harness/cli.ts';
import { type ImportedVersion, strayBits } from '../../test/harness/imported-answers.ts';
import { logModels, startMlflow } from '../../test/harness/mlflow-server.ts';
import type { ProofOptions, SaidOutcome } from './proof.ts';

const ROWS = 10_000;

/** Models of four flavours, trained anew and logged in a real MLflow, imported by alias: the bits of their answers on 10,000 rows against those of the flavour itself. */
export async function proveMlflow({ seed, cases, folder, onOutcome }: ProofOptions<SaidOutcome>): Promise<void> {
  for (const index of cases) {
    const own = mkdtempSync(join(folder, `${index}-`));
    const server = await startMlflow();
    try {
      const logged = await logModels(server.url, join(own, 'logged'), ROWS, seed * 1000 + index, ['catboost']);
      const registry = join(own, 'registry');
      const faults: string[] = [];
      for (const name of Object.keys(logged.made)) {
        const source = `mlflow:models:/${name}@champion`;
        const args = ['models', 'import', source, '--registry', registry, '--tracking', server.url, '--json'];
        const { code, stderr, events } = await prescore(args);
        const stray =
          code === 0
            ? await strayBits(
                registry,
                events[0] as unknown as ImportedVersion,
                logged,
                name,
                mkdtempSync(join(own, 'run-')),
              )
            : [stderr];
        faults.push(...stray.slice(0, 3).map((text) => `${name}: ${text}`));
      }
      const say = `${Object.keys(logged.made).length} models, ${ROWS} rows each`;
      onOutcome({ index, fault: faults.join('; '), say });
    } finally {
      await server.stop();
    }
  }
}
