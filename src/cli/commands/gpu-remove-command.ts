import { removeProvider } from '../../model/gpu/install-provider.ts';
import { findOrtPlace } from '../../model/gpu/ort-place.ts';
import { removeRuntime } from '../../model/gpu/runtime.ts';
import { printJson } from '../output/print-json.ts';

/** `prescore gpu remove`: exit code 0, also when there was nothing to remove. */
export async function gpuRemoveCommand(flags: {
  readonly runtime?: boolean;
  readonly binding?: string;
  readonly json?: boolean;
}): Promise<number> {
  const { folder } = findOrtPlace(flags.binding);
  const files = await removeProvider(folder);
  const runtime = flags.runtime === true ? await removeRuntime(process.env) : null;
  if (flags.json === true) {
    printJson({ event: 'removed', folder, files: files ?? [], runtime: runtime?.folders ?? [] });
    return 0;
  }
  if (files === null) process.stdout.write(`nothing that prescore installed lies in ${folder}\n`);
  for (const { name, outcome } of files ?? []) process.stdout.write(`${outcome.padEnd(8)}  ${name}\n`);
  if (flags.runtime === true) process.stdout.write(`${sayRuntime(runtime)}\n`);
  return 0;
}

function sayRuntime(runtime: Awaited<ReturnType<typeof removeRuntime>>): string {
  if (runtime === null) return 'no libraries of CUDA are recorded';
  const what = runtime.unpacked === null ? 'forgotten (they lie where they did)' : 'removed';
  return `libraries of CUDA ${what}: ${runtime.folders.join(', ')}`;
}
