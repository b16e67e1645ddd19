import { readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { names } from './quiet-reads.ts';

/** Where the Node binding of ONNX Runtime lies, and which it is. */
export interface OrtPlace {
  /** Version of the onnxruntime-node package. */
  readonly version: string;
  /** Folder of `onnxruntime_binding.node`; provider libraries are looked for here and nowhere else. */
  readonly folder: string;
}

const BINDING = 'onnxruntime_binding.node';
/** More folders up than this from the binding, and it is not a package of npm. */
const MOST_UP = 6;

/**
 * Finds the binding that scorers load, or the one in `folder`, without loading it.
 *
 * Errors: GPU_UNSUPPORTED (another platform than Linux on x64), GPU_PLACE (no binding in the folder).
 */
export function findOrtPlace(folder?: string): OrtPlace {
  if (process.platform !== 'linux' || process.arch !== 'x64')
    throw new PrescoreError('GPU_UNSUPPORTED', {
      what: 'The CUDA provider is published for Linux on x64 only',
      got: `${process.platform} on ${process.arch}`,
    });
  const own = folder === undefined ? bindingFolder() : resolve(folder);
  if (statSync(join(own, BINDING), { throwIfNoEntry: false })?.isFile() !== true)
    throw new PrescoreError('GPU_PLACE', {
      what: 'No binding of ONNX Runtime here',
      where: own,
      expected: BINDING,
      fix: 'Give the folder of the binding, or install onnxruntime-node.',
    });
  return { version: packageVersion(own), folder: own };
}

/** Folder of the binding that scorers load, for this platform: their providers lie in it. It may not be there. */
export function bindingFolder(): string {
  const bin = join(dirname(createRequire(import.meta.url).resolve('onnxruntime-node/package.json')), 'bin');
  const napi = names(bin)
    .filter((name) => name.startsWith('napi-v'))
    .at(-1);
  return join(bin, napi ?? 'napi-v6', process.platform, process.arch);
}

function packageVersion(folder: string): string {
  const root = packageFolder(folder);
  const version = root === null ? null : readPackage(root)?.version;
  if (typeof version === 'string') return version;
  throw new PrescoreError('GPU_PLACE', {
    what: 'The binding does not lie in a package of onnxruntime-node, so its version is not known',
    where: folder,
  });
}

function packageFolder(from: string): string | null {
  let folder = from;
  for (let up = 0; up < MOST_UP; up++) {
    if (readPackage(folder)?.name === 'onnxruntime-node') return folder;
    folder = dirname(folder);
  }
  return null;
}

function readPackage(folder: string): { readonly name?: unknown; readonly version?: unknown } | null {
  try {
    return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { name?: unknown; version?: unknown };
  } catch {
    // None in this folder.
    return null;
  }
}
