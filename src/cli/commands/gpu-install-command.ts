import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { sayBytes } from '../../base/telemetry/progress-line.ts';
import { installProvider } from '../../model/gpu/install-provider.ts';
import { findOrtPlace, type OrtPlace } from '../../model/gpu/ort-place.ts';
import { askWheels, compareDigest, downloadWheels, type OfferedWheel } from '../../model/gpu/pip.ts';
import { openProviderSource, PROVIDER_PACKAGE, type ProviderSource } from '../../model/gpu/provider-source.ts';
import { readProviderState } from '../../model/gpu/provider-state.ts';
import { findPython } from '../../model/gpu/python-runtime.ts';
import { adoptRuntime, hasRuntime, installRuntime, RUNTIME_REQUIREMENTS } from '../../model/gpu/runtime.ts';
import type { RuntimeRecord } from '../../model/gpu/runtime-record.ts';
import { printJson } from '../output/print-json.ts';
import { makeScratch, removeScratch } from '../processes/scratch-folder.ts';

/** Flags of `prescore gpu install`. */
export interface GpuInstallFlags {
  readonly from?: string;
  readonly sha256?: string;
  readonly runtime?: boolean;
  readonly runtimeFrom?: string;
  readonly replace?: boolean;
  readonly python?: string;
  readonly binding?: string;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

type Say = (text: string, event: object) => void;

/**
 * `prescore gpu install`: says what it takes and how large that is, gets it, compares it and puts it in place. Exit code 0, or that of the
 * error. Whether the GPU can then be used is what `gpu status` says.
 */
export async function gpuInstallCommand(flags: GpuInstallFlags): Promise<number> {
  checkFlags(flags);
  const say: Say = (text, event) => (flags.json === true ? printJson(event) : process.stdout.write(`${text}\n`));
  const place = findOrtPlace(flags.binding);
  const python = flags.python ?? findPython(process.env);
  const isInPlace = flags.from === undefined && (await hasProvider(place));
  const wanted = flags.from === undefined && !isInPlace ? [`${PROVIDER_PACKAGE}==${place.version}`] : [];
  const provider = wanted.length > 0 ? await askWheels(python, wanted) : [];
  const offered = flags.runtime === true ? await askWheels(python, RUNTIME_REQUIREMENTS) : [];
  const isRuntimeThere = hasRuntime(
    process.env,
    offered.map((wheel) => `${wheel.name} ${wheel.version}`),
  );
  const runtime = isRuntimeThere ? [] : offered;
  if (isInPlace) say(`the provider ${place.version} is installed`, { event: 'in-place', what: 'provider' });
  if (isRuntimeThere) say('the libraries of CUDA are installed', { event: 'in-place', what: 'runtime' });
  sayOffers([...provider, ...runtime], say);
  if (flags.dryRun === true) {
    if (flags.from !== undefined) sayFiles(place, await openProviderSource(flags.from, place.version), say);
    return 0;
  }
  const scratch = await makeScratch();
  try {
    const isShown = flags.json !== true && process.stderr.isTTY === true;
    const get = (wheels: readonly OfferedWheel[]): Promise<readonly string[]> =>
      downloadWheels(python, wheels, scratch, isShown);
    const from = provider.length > 0 ? (await get(provider))[0] : flags.from;
    if (from !== undefined) {
      const source = await openProviderSource(from, place.version);
      if (flags.sha256 !== undefined && source.wheel !== null) await compareDigest(source.wheel, flags.sha256);
      // The scratch folder is gone when somebody reads the record.
      await install(place, { ...source, from: provider[0]?.file ?? source.from }, flags, say);
    }
    if (runtime.length > 0)
      sayRuntime(
        await installRuntime(
          process.env,
          (await get(runtime)).map((path) => [path]),
        ),
        say,
      );
    if (flags.runtimeFrom !== undefined) sayRuntime(await adoptRuntime(process.env, flags.runtimeFrom), say);
  } finally {
    await removeScratch(scratch);
  }
  say('look at: prescore gpu status', { event: 'done' });
  return 0;
}

async function hasProvider(place: OrtPlace): Promise<boolean> {
  const { version, files } = await readProviderState(place.folder);
  return version === place.version && files.every((file) => file.state === 'installed');
}

function checkFlags(flags: GpuInstallFlags): void {
  const refuse = (what: string): never => {
    throw new PrescoreError('USAGE', { what });
  };
  if (flags.sha256 !== undefined && !/^[0-9a-fA-F]{64}$/.test(flags.sha256)) refuse('--sha256 takes 64 hex digits');
  if (flags.sha256 !== undefined && flags.from === undefined) refuse('--sha256 goes with --from');
  if (flags.runtime === true && flags.runtimeFrom !== undefined) refuse('Give --runtime or --runtime-from, not both');
}

async function install(place: OrtPlace, source: ProviderSource, flags: GpuInstallFlags, say: Say): Promise<void> {
  if (flags.sha256 !== undefined && source.wheel === null)
    throw new PrescoreError('USAGE', { what: '--sha256 is that of a wheel, and --from has none', where: source.from });
  const files = await installProvider(place, source, { replace: flags.replace === true });
  const lines = files.map(({ name, bytes, outcome }) => `${outcome}: ${name}, ${sayBytes(bytes)}`);
  const event = { event: 'provider', version: source.version, from: source.from, folder: place.folder, files };
  say(`${lines.join('\n')}\nin ${place.folder}, from ${source.from}`, event);
}

function sayOffers(wheels: readonly OfferedWheel[], say: Say): void {
  if (wheels.length === 0) return;
  const known = wheels.every((wheel) => wheel.bytes !== null);
  const bytes = wheels.reduce((sum, wheel) => sum + (wheel.bytes ?? 0), 0);
  const lines = wheels.map(
    (w) => `  ${w.file}: ${w.bytes === null ? 'size not told by the registry' : sayBytes(w.bytes)}`,
  );
  const total = known ? sayBytes(bytes) : `${sayBytes(bytes)} and what the registry does not tell`;
  say(`to download: ${total}\n${lines.join('\n')}`, { event: 'download', bytes: known ? bytes : null, wheels });
}

function sayFiles(place: OrtPlace, source: ProviderSource, say: Say): void {
  const files = source.files.map(({ path, bytes, sha256 }) => ({ path, bytes, sha256 }));
  const lines = files.map((file) => `  ${file.path}: ${sayBytes(file.bytes)}`);
  say(`would install from ${source.from} into ${place.folder}:\n${lines.join('\n')}`, {
    event: 'would-install',
    files,
  });
}

function sayRuntime(record: RuntimeRecord, say: Say): void {
  const what = record.unpacked === null ? 'used where they lie' : record.packages.join(', ');
  say(`libraries of CUDA ${record.cuda} (${what}):\n  ${record.folders.join('\n  ')}`, { event: 'runtime', ...record });
}
