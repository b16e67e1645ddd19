import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { proveLakes } from '../../scripts/prove/lakes.ts';
import type { SaidOutcome } from '../../scripts/prove/proof.ts';
import { suiteFolder } from '../harness/suite-folder.ts';

const home = suiteFolder();

// The long form is `npm run prove -- lakes`.
it('the same rows from pyarrow, polars, DuckDB and a mixture give the same values and predictions', async () => {
  const folder = join(home, 'lakes');
  mkdirSync(folder);
  const outcomes: SaidOutcome[] = [];
  await proveLakes({ seed: 1, cases: [0, 1, 2, 3], folder, onOutcome: (outcome) => outcomes.push(outcome) });
  expect(outcomes.map((o) => o.fault)).toEqual(['', '', '', '']);
}, 180_000);
