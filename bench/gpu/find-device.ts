import { mkdirSync } from 'node:fs';
import type { GrantedDevice } from '../../src/base/contract/device.ts';
import { runPrescore } from './run-job.ts';
import { checkSubjects } from './subjects.ts';

/** Whether a device can be used, found by scoring a few rows on it. */
export interface FoundDevice {
  readonly isUsable: boolean;
  readonly granted: readonly GrantedDevice[];
  /** What stands in the way. */
  readonly why: string;
}

/** Scores 64 rows of the small MLP on the device. */
export async function findDevice(device: string, folder: string): Promise<FoundDevice> {
  mkdirSync(folder, { recursive: true });
  const subject = (await checkSubjects(folder, 64)).find((s) => s.name === 'mlp')!;
  const { done, error, code } = await runPrescore(subject, folder, { device, batchRows: 64 });
  if (done !== null) return { isUsable: true, granted: done.device.granted, why: '' };
  return { isUsable: false, granted: [], why: error?.what ?? `exit code ${code}` };
}
