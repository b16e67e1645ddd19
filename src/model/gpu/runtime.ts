import { createHash } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { replaceJson, syncFolder } from '../../base/disk/synced-files.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { findFiles } from './find-parts.ts';
import { CUDA_MAJOR, gpuHome } from './gpu-home.ts';
import { type OpenPackage, openWheel } from './package-files.ts';
import { Pieces } from './pieces.ts';
import { freshStage, inPlace } from './provider-record.ts';
import { cudaFolders } from './python-runtime.ts';
import { RUNTIME_RECORD, type RuntimeRecord, readRuntimeRecord } from './runtime-record.ts';
import { unpackFiles } from './unpack-files.ts';

/** What pip is asked for: the libraries that the provider of ONNX Runtime 1.30 needs, by the versions that its wheel names. */
export const RUNTIME_REQUIREMENTS: readonly string[] = [
  'nvidia-cuda-runtime~=13.0',
  'nvidia-cublas~=13.0',
  'nvidia-cuda-nvrtc~=13.0',
  'nvidia-curand~=10.0',
  'nvidia-cufft~=12.0',
  'nvidia-nvjitlink~=13.0',
  'nvidia-cudnn-cu13~=9.0',
];

const UNPACKED = /^runtime-[0-9a-f]{12}$/;
const isLibrary = (path: string): boolean =>
  (/^nvidia\/(?:[\w-]+\/)+lib[\w.-]+\.so(?:\.\d+)*$/.test(path) ||
    /^[\w.-]+\.dist-info\/(?:licenses\/)?License[\w.]*$/i.test(path)) &&
  !path.includes('..');

/** True when exactly these packages (`NAME VERSION`) are unpacked for this user and their folders are there. */
export function hasRuntime(env: NodeJS.ProcessEnv, packages: readonly string[]): boolean {
  const record = readRuntimeRecord(env);
  if (record?.unpacked == null || !record.folders.every((folder) => existsSync(folder))) return false;
  return [...record.packages].sort().join() === [...packages].sort().join();
}

/**
 * Unpacks the libraries of wheels (paths of files, or of parts in order) into a new folder of the user, records it, and removes the one before.
 *
 * Errors: GPU_SOURCE, GPU_PLACE.
 */
export async function installRuntime(
  env: NodeJS.ProcessEnv,
  wheels: readonly (readonly string[])[],
): Promise<RuntimeRecord> {
  const home = homeOf(env);
  const packages: OpenPackage[] = [];
  for (const paths of wheels) packages.push(await openWheel(await Pieces.open(paths[0] ?? '', paths), isLibrary));
  const files = packages.flatMap((one) => one.files);
  if (!files.some((file) => basename(file.path) === `libcudart.so.${CUDA_MAJOR}`))
    throw new PrescoreError('GPU_SOURCE', {
      what: `The wheels hold no libcudart.so.${CUDA_MAJOR}`,
      where: wheels[0]?.[0] ?? 'no wheel',
      expected: RUNTIME_REQUIREMENTS.join(', '),
    });
  const digest = createHash('sha256')
    .update(
      files
        .map((f) => `${f.path} ${f.sha256}`)
        .sort()
        .join('\n'),
    )
    .digest('hex');
  const unpacked = `runtime-${digest.slice(0, 12)}`;
  const root = join(home, unpacked);
  if (!isWhole(root, files)) await unpackInto(home, root, files);
  const folders = [
    ...new Set(files.filter((f) => f.path.startsWith('nvidia/')).map((f) => join(root, f.path, '..'))),
  ].sort();
  const names = packages.map((one) => `${one.name} ${one.version}`);
  return writeRecord(env, { format: 1, cuda: CUDA_MAJOR, folders, unpacked, packages: names });
}

// Sizes are enough to see what was removed or cut off since; the digests were compared when it was unpacked.
function isWhole(root: string, files: OpenPackage['files']): boolean {
  return files.every((file) => statSync(join(root, file.path), { throwIfNoEntry: false })?.size === file.bytes);
}

async function unpackInto(home: string, root: string, files: OpenPackage['files']): Promise<void> {
  await inPlace(home, async () => {
    await mkdir(home, { recursive: true });
    const stage = await freshStage(home);
    try {
      await unpackFiles(files, stage, (path) => path);
      await rm(root, { recursive: true, force: true });
      await rename(stage, root);
      await syncFolder(home);
    } finally {
      await rm(stage, { recursive: true, force: true });
    }
  });
}

/**
 * Records libraries that are there already: `place` is a folder of NVIDIA's wheels (whole or in parts), which are unpacked, or a Python
 * installation or folder of libraries, which is used where it lies.
 *
 * Errors: GPU_SOURCE when nothing of CUDA 13 is there, GPU_PLACE.
 */
export async function adoptRuntime(env: NodeJS.ProcessEnv, place: string): Promise<RuntimeRecord> {
  const folders = cudaFolders(place);
  if (folders.length > 0)
    return writeRecord(env, { format: 1, cuda: CUDA_MAJOR, folders, unpacked: null, packages: [] });
  const wheels = existsSync(place) ? findFiles(place, (name) => /^nvidia_[\w.]+-[\w.]+-.+\.whl$/.test(name)) : [];
  if (wheels.length > 0)
    return installRuntime(
      env,
      wheels.map((wheel) => wheel.paths),
    );
  throw new PrescoreError('GPU_SOURCE', {
    what: `No libraries of CUDA ${CUDA_MAJOR} here`,
    where: place,
    expected: `libcublasLt.so.${CUDA_MAJOR} in a folder, in nvidia/*/lib of a Python installation, or wheels nvidia_*.whl`,
  });
}

/** Forgets the runtime libraries and removes what prescore unpacked of them; null when there was no record. Errors: GPU_PLACE. */
export async function removeRuntime(env: NodeJS.ProcessEnv): Promise<RuntimeRecord | null> {
  const home = gpuHome(env);
  const record = readRuntimeRecord(env);
  if (home === null || record === null) return null;
  await inPlace(home, async () => {
    await rm(join(home, RUNTIME_RECORD), { force: true });
    await removeUnpacked(home, record, null);
  });
  return record;
}

async function writeRecord(env: NodeJS.ProcessEnv, record: RuntimeRecord): Promise<RuntimeRecord> {
  const home = homeOf(env);
  const before = readRuntimeRecord(env);
  await inPlace(home, async () => {
    await mkdir(home, { recursive: true });
    await replaceJson(join(home, RUNTIME_RECORD), record);
    if (before !== null) await removeUnpacked(home, before, record.unpacked);
  });
  return record;
}

// The name is checked: a record must not lead to a folder that is not ours.
async function removeUnpacked(home: string, record: RuntimeRecord, keep: string | null): Promise<void> {
  const { unpacked } = record;
  if (unpacked !== null && unpacked !== keep && UNPACKED.test(unpacked))
    await rm(join(home, unpacked), { recursive: true, force: true });
}

function homeOf(env: NodeJS.ProcessEnv): string {
  const home = gpuHome(env);
  if (home !== null) return home;
  throw new PrescoreError('GPU_PLACE', {
    what: 'There is no folder for the libraries of this user',
    fix: 'Set PRESCORE_GPU_DIR to an absolute path.',
  });
}
