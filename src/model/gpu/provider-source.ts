import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { findFiles } from './find-parts.ts';
import { type OpenPackage, openWheel, readMetadata, readRecord } from './package-files.ts';
import { Pieces } from './pieces.ts';

/** The libraries that ONNX Runtime loads for CUDA, by the names under which it looks for them. */
export const PROVIDER_FILES = ['libonnxruntime_providers_shared.so', 'libonnxruntime_providers_cuda.so'] as const;

/** The package of Python that carries them, as the registry calls it and as its wheels are named. */
export const PROVIDER_PACKAGE = 'onnxruntime-gpu';
const WHEEL = /^onnxruntime_gpu-(?<version>[^-]+)-.+_x86_64\.whl$/;
const SUMS = 'SHA256SUMS';

/** What install takes: a package that holds the two libraries, and the file or folder that it was found in. */
export interface ProviderSource extends OpenPackage {
  readonly from: string;
  /** The wheel itself, where there is one: its digest can be compared with the registry's. */
  readonly wheel: Pieces | null;
}

/**
 * Opens a wheel of onnxruntime-gpu, a folder with one (whole or in parts), a first part, an unpacked wheel or an installed package
 * (`site-packages`), or a folder with the two libraries (whole or in parts) and a SHA256SUMS.
 *
 * Errors: GPU_SOURCE when nothing of the kind is there, or it is of another version than `version`.
 */
export async function openProviderSource(from: string, version: string): Promise<ProviderSource> {
  const found = await stat(from).catch(() => null);
  const source = found?.isDirectory() === true ? await openFolder(from, version) : await openFile(from);
  const missing = PROVIDER_FILES.filter((name) => !source.files.some((file) => basename(file.path) === name));
  if (missing.length > 0)
    throw new PrescoreError('GPU_SOURCE', { what: `${missing.join(' and ')} missing`, where: source.from });
  if (source.version !== version || source.name !== PROVIDER_PACKAGE)
    throw new PrescoreError('GPU_SOURCE', {
      what: 'The provider is of another version than onnxruntime-node: the two work only together',
      where: source.from,
      expected: `${PROVIDER_PACKAGE} ${version}`,
      got: `${source.name} ${source.version}`,
      fix: `Get the wheel of version ${version} (pip download --no-deps ${PROVIDER_PACKAGE}==${version}).`,
    });
  return source;
}

const isProvider = (path: string): boolean => (PROVIDER_FILES as readonly string[]).includes(basename(path));

async function openFile(path: string): Promise<ProviderSource> {
  // The file itself, or the name that its parts lie beside.
  const wanted = basename(path).replace(/\.(?:part[-_.]?)?(?:\d{1,4}|[a-z]{2})$/, '');
  const [file] = findFiles(dirname(path), (name) => name === basename(path) || name === wanted);
  if (file === undefined) throw new PrescoreError('GPU_SOURCE', { what: 'No such file or folder', where: path });
  return openWhole(file.name, file.paths, path);
}

async function openWhole(name: string, paths: readonly string[], from: string): Promise<ProviderSource> {
  const wheel = await Pieces.open(paths.length === 1 ? (paths[0] ?? name) : `${from} (${paths.length} parts)`, paths);
  return { ...(await openWheel(wheel, isProvider)), from, wheel };
}

async function openFolder(folder: string, version: string): Promise<ProviderSource> {
  const wheels = findFiles(folder, (name) => WHEEL.test(name));
  const fitting = wheels.find((file) => WHEEL.exec(file.name)?.groups?.['version'] === version) ?? wheels[0];
  if (fitting !== undefined) return openWhole(fitting.name, fitting.paths, folder);
  const unpacked = await openUnpacked(folder);
  if (unpacked !== null) return unpacked;
  return openLoose(folder, version);
}

/** A folder that pip installed into, or that a wheel was unpacked into. */
async function openUnpacked(folder: string): Promise<ProviderSource | null> {
  for (const root of [folder, dirname(folder), dirname(dirname(folder))]) {
    const infos = await readdir(root).catch((): string[] => []);
    const info = infos.find((name) => /^onnxruntime_gpu-.+\.dist-info$/.test(name));
    if (info === undefined) continue;
    const recorded = readRecord(await readFile(join(root, info, 'RECORD'), 'utf8'));
    const files = await Promise.all(
      [...recorded].flatMap(([path, known]) =>
        isProvider(path)
          ? [
              Pieces.open(join(root, path), [join(root, path)]).then((p) => ({
                path,
                ...known,
                content: () => p.stream(),
              })),
            ]
          : [],
      ),
    );
    return { ...readMetadata(await readFile(join(root, info, 'METADATA'), 'utf8')), files, from: root, wheel: null };
  }
  return null;
}

async function openLoose(folder: string, version: string): Promise<ProviderSource> {
  const found = findFiles(folder, isProvider);
  if (found.length === 0)
    throw new PrescoreError('GPU_SOURCE', {
      what: 'Neither a wheel of onnxruntime-gpu nor its provider libraries',
      where: folder,
      expected: `onnxruntime_gpu-${version}-*.whl, whole or in parts, or ${PROVIDER_FILES.join(' and ')}`,
    });
  const sums = await readFile(join(folder, SUMS), 'utf8').catch(() => '');
  const files = await Promise.all(
    found.map(async ({ name, paths }) => {
      const sha256 = new RegExp(`^([0-9a-f]{64}) [ *](?:\\./)?${name.replaceAll('.', '\\.')}$`, 'm').exec(sums)?.[1];
      if (sha256 === undefined)
        throw new PrescoreError('GPU_SOURCE', {
          what: `Nothing says what ${name} must be`,
          where: folder,
          fix: `Give the wheel, or put a ${SUMS} beside the libraries (sha256sum libonnxruntime_providers_*.so > ${SUMS}).`,
        });
      const pieces = await Pieces.open(join(folder, name), paths);
      return { path: name, bytes: pieces.bytes, sha256, content: () => pieces.stream() };
    }),
  );
  const cuda = files.find((file) => file.path === PROVIDER_FILES[1]);
  const isThis = cuda !== undefined && (await holdsText(cuda.content(), `\0${version}\0`));
  return { name: PROVIDER_PACKAGE, version: isThis ? version : 'unknown', files, from: folder, wheel: null };
}

// A library on its own says its version nowhere but among its texts.
async function holdsText(content: AsyncGenerator<Buffer>, text: string): Promise<boolean> {
  const wanted = Buffer.from(text, 'latin1');
  let tail = Buffer.alloc(0);
  for await (const chunk of content) {
    const joined = Buffer.concat([tail, chunk]);
    if (joined.includes(wanted)) return true;
    tail = Buffer.from(joined.subarray(Math.max(0, joined.length - wanted.length + 1)));
  }
  return false;
}
