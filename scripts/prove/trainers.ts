import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readNativeModel } from '../../src/model/native/read-native-model.ts';
import { plainLeaves, plainScores } from '../../src/model/trees/plain-scores.ts';
import { runPython } from '../../test/harness/python.ts';
import { otherBits, type TrainerCase, trainerCases } from '../../test/harness/trainer-cases.ts';
import type { ProofOptions, SaidOutcome } from './proof.ts';

const FLIGHTS = fileURLToPath(new URL('../../fixtures/flights/month=07', import.meta.url));
const ROWS = ['--rows', '10000', '--edges', '2000'];

/** Trains models anew with each trainer, from flights and from made rows in turn, and compares raw scores and leaves with theirs in every bit. */
export async function proveTrainers({ seed, cases, folder, onOutcome }: ProofOptions<SaidOutcome>): Promise<void> {
  for (const index of cases) {
    const out = mkdtempSync(join(folder, `${index}-`));
    const isReal = index % 2 === 0;
    const rows = isReal ? ['--flights', FLIGHTS] : [];
    const options = [out, ...ROWS, ...rows, '--big', '--seed', String(seed * 1000 + index)];
    await runPython('trainers_models.py', options, 'native-requirements.txt');
    const found = trainerCases('', out).map((one) => ({ name: one.name, fault: faultOf(one) }));
    const faults = found.filter(({ fault }) => fault !== '').map(({ name, fault }) => `${name}: ${fault}`);
    if (faults.length === 0) rmSync(out, { recursive: true, force: true });
    const say = `${found.length} models on ${isReal ? 'flights' : 'made rows'}`;
    onOutcome({ index, fault: faults.slice(0, 5).join('; '), say });
  }
}

function faultOf({ name, model, file, arrays }: TrainerCase): string {
  const isRefused = /refused|linear/.test(name);
  try {
    const { ensemble } = readNativeModel(model, file);
    if (isRefused) return 'it is not refused';
    const rows = arrays.rows!.data;
    const scores = otherBits(plainScores(ensemble, rows), arrays.raw!.data);
    const leaves = arrays.leaves === undefined ? [] : otherBits(plainLeaves(ensemble, rows), arrays.leaves.data);
    return [...scores, ...leaves.map((text) => `leaf ${text}`)].slice(0, 3).join(', ');
  } catch (error) {
    return isRefused ? '' : String(error);
  }
}
