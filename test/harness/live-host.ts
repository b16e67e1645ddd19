import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { onTestFinished } from 'vitest';
import type { InferRequest, LiveTensor } from '../../src/base/contract/live-model.ts';
import { liveLaunch } from '../../src/cli/processes/live-launch.ts';
import { createStoreResolver } from '../../src/cli/wiring/open-store.ts';
import type { HostOptions } from '../../src/inference/host/host-options.ts';
import { type LiveModelHost, openModelHost } from '../../src/inference/host/model-host.ts';
import { cliEntry } from './built-cli.ts';
import { sha256Of, tempFolder } from './temp-job.ts';

/** Children as users have them: from the command line that was compiled for this run, else from the sources. */
export function testLaunch(): ReturnType<typeof liveLaunch> {
  const name = basename(cliEntry).replace('main.', 'live-main.');
  return { ...liveLaunch(), entry: new URL(name, pathToFileURL(cliEntry)) };
}

/** A host that is closed with the test. `folder` is a path or a Location; null for none. */
export function openHost(
  folder: string | HostOptions['folder'],
  options: Partial<Omit<HostOptions, 'folder'>> = {},
): LiveModelHost {
  const scratchDir = tempFolder();
  const location = typeof folder === 'string' ? createStoreResolver({}, { env: {} }).at(`${folder}/`) : folder;
  const host = openModelHost({ launch: testLaunch(), scratchDir, ...options, folder: location });
  onTestFinished(() => host.close());
  return host;
}

/** Puts a version into a model folder: the model first, its digest last. */
export function putVersion(
  folder: string,
  name: string,
  version: string,
  model: string,
  digest = sha256Of(model),
): void {
  const place = join(folder, name, version);
  mkdirSync(place, { recursive: true });
  cpSync(model, join(place, 'model.onnx'));
  writeFileSync(join(place, 'model.onnx.sha256'), `${digest}  model.onnx\n`);
}

export function removeVersion(folder: string, name: string, version: string): void {
  rmSync(join(folder, name, version), { recursive: true });
}

/** A request of one float input, row-major. */
export function floats(
  input: string,
  width: number,
  values: readonly number[] | Float32Array,
  changes: Partial<InferRequest> = {},
): InferRequest {
  const rows = values.length / width;
  const tensor: LiveTensor = { type: 'float32', dims: [rows, width], data: Float32Array.from(values) };
  const request = {
    inputs: new Map([[input, tensor]]),
    outputs: null,
    rows,
    deadlineMs: 10_000,
    priority: 0,
    signal: null,
  };
  return { ...request, ...changes };
}

/** The values of an output. */
export function valuesOf(answer: { readonly outputs: ReadonlyMap<string, LiveTensor> }, output: string): number[] {
  return Array.from(answer.outputs.get(output)!.data as Float32Array, Number);
}

/** Waits until something is so; fails after `limitMs`. */
export async function until(isSo: () => boolean | Promise<boolean>, limitMs = 10_000): Promise<void> {
  const end = performance.now() + limitMs;
  while (!(await isSo())) {
    if (performance.now() > end) throw new Error(`not so after ${limitMs} ms: ${isSo}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
