import { sayBytes } from '../../base/telemetry/progress-line.ts';
import type { NeededLibrary } from '../../model/gpu/find-libraries.ts';
import { type GpuStatus, gpuStatus } from '../../model/gpu/gpu-status.ts';
import { printJson } from '../output/print-json.ts';
import { tryGpus } from '../processes/try-gpus.ts';

/** As PROVIDER_UNAVAILABLE: what a job with execution.device: cuda would end with. */
const NOT_USABLE = 5;

/** `prescore gpu status`: exit code 0 when nothing stands in the way of a GPU, else 5. */
export async function gpuStatusCommand(flags: { readonly binding?: string; readonly json?: boolean }): Promise<number> {
  const status = await gpuStatus(process.env, () => tryGpus(), flags.binding);
  if (flags.json === true) printJson({ event: 'gpu-status', ...status });
  else for (const line of sayStatus(status)) process.stdout.write(`${line}\n`);
  return status.isUsable ? 0 : NOT_USABLE;
}

function* sayStatus(status: GpuStatus): Generator<string> {
  const { onnxruntime, provider, driver, runtime } = status;
  const row = (what: string, found: string): string => `${what.padEnd(14)}${found}`;
  yield row('onnxruntime', `${onnxruntime.version} in ${onnxruntime.folder}`);
  for (const [i, { name, state, bytes }] of provider.files.entries())
    yield row(i === 0 ? 'provider' : '', `${name}: ${state}${bytes === null ? '' : `, ${sayBytes(bytes)}`}`);
  for (const [i, folder] of status.loaderPath.entries()) yield row(i === 0 ? 'loader path' : '', folder);
  if (status.loaderPath.length === 0) yield row('loader path', 'no folders of prescore');
  if (runtime !== null && runtime.packages.length > 0) yield row('packages', runtime.packages.join(', '));
  yield* sayLibraries(status.libraries);
  for (const [i, { name, path }] of status.onDemand.entries())
    yield row(i === 0 ? 'on demand' : '', `${name}: ${path ?? 'missing'}`);
  yield row('driver', driver.version ?? 'none');
  yield row('devices', driver.nodes.length === 0 ? 'none' : [...driver.nodes, ...driver.gpus].join(', '));
  if (status.load !== null) yield row('loader', status.load.isLoaded ? 'loads the provider' : status.load.says);
  for (const [i, { says }] of status.trials.entries()) yield row(i === 0 ? 'sessions' : '', says);
  yield row('GPU', status.isUsable ? 'can be used: execution.device: cuda' : 'cannot be used');
  for (const { what, fix, isInTheWay } of status.obstacles)
    yield `  ${isInTheWay ? '' : '(note) '}${what}\n    -> ${fix}`;
}

// What every Linux has is not worth a line, unless it is missing.
function* sayLibraries(libraries: readonly NeededLibrary[]): Generator<string> {
  const worth = libraries.filter((l) => l.path === null || /^lib(?:cu|nv)/.test(l.name));
  for (const [i, { name, path, neededBy }] of worth.entries())
    yield `${(i === 0 ? 'needs' : '').padEnd(14)}${name}: ${path ?? `missing (needed by ${neededBy})`}`;
}
