import { join } from 'node:path';
import { findPython } from '../../src/model/gpu/python-runtime.ts';
import { machineFacts } from '../machine.ts';
import type { Options } from '../options.ts';
import { note, WORK } from '../paths.ts';
import { hundredths, printTable, writeResults } from '../report.ts';
import { benchModel, type GpuFigure, gpuRatio } from './bench-models.ts';
import { findDevice } from './find-device.ts';
import { pythonPeer } from './python-peer.ts';
import { benchSubjects } from './subjects.ts';

/**
 * `npm run bench -- gpu`: delay_mlp, an MLP of 1024-4096-4096-1 and lgbm, on the device, in Python on the same device, and on
 * the CPU. Exit code 3, and nothing is measured, where the device cannot be used.
 */
export async function gpuCase(options: Options): Promise<number> {
  const folder = join(WORK, 'gpu');
  const found = await findDevice(options.device, folder);
  if (!found.isUsable) {
    note(`${options.device} cannot be used here: ${found.why}`);
    return 3;
  }
  const machine = machineFacts();
  const python = await pythonPeer(findPython(process.env), options.device, null, folder);
  const figures: GpuFigure[] = [];
  for (const subject of await benchSubjects(folder, 1)) {
    note(`${subject.name}, ${subject.file.rows} rows`);
    figures.push(...(await benchModel(subject, options.device, folder, { runs: options.runs, python })));
  }
  printFigures(figures);
  const path = writeResults('gpu', true, { machine, device: options.device, granted: found.granted, figures });
  note(`written to ${path}`);
  return 0;
}

/** A table of figures. */
export function printFigures(figures: readonly GpuFigure[]): void {
  const round = (n: number | null): string => (n === null ? '' : Math.round(n).toLocaleString('en'));
  printTable([
    ['model, contender', 'rows', 'rows/s', 'rows/s scoring', 'busy', ''],
    ...figures.map((f) => [
      `${f.model}, ${f.contender}`,
      round(f.rows),
      f.failed === null ? round(f.rowsPerSecond) : '',
      round(f.scoringRowsPerSecond),
      f.busy === null ? '' : `${Math.round(f.busy * 100)} %`,
      f.failed ?? '',
    ]),
  ]);
  process.stdout.write('\n');
  for (const model of new Set(figures.map((f) => f.model))) {
    const ratio = gpuRatio(figures, model);
    if (ratio !== null)
      process.stdout.write(`${model}: prescore's throughput is ${hundredths(ratio)} of python's, within a round\n`);
  }
}
