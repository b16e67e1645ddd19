import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PrescoreError } from '../errors/prescore-error.ts';
import { Pieces } from './pieces.ts';

/** A wheel that the registry offers for what was asked. */
export interface OfferedWheel {
  readonly name: string;
  readonly version: string;
  readonly file: string;
  /** Size in bytes; null when the registry does not tell it beforehand. */
  readonly bytes: number | null;
  /** The registry's digest, 64 hex digits; null when it gives none. */
  readonly sha256: string | null;
}

/** Libraries are the same in the wheels of every Python; one is asked for by name, so that the Python here does not matter. */
const ASKED = [
  ...['manylinux_2_28_x86_64', 'manylinux_2_27_x86_64', 'manylinux2014_x86_64'].flatMap((tag) => ['--platform', tag]),
  ...['--python-version', '3.12', '--implementation', 'cp', '--only-binary', ':all:', '--no-deps'],
];
const SIZE_TIMEOUT_MS = 15_000;

interface Report {
  readonly install: readonly {
    readonly metadata: { readonly name: string; readonly version: string };
    readonly download_info: {
      readonly url: string;
      readonly archive_info?: { readonly hashes?: { readonly sha256?: string } };
    };
  }[];
}

/**
 * Asks pip which wheels it would take for the requirements, by the index that it is set up for; nothing is downloaded where the index
 * serves metadata on its own, as those of today do.
 *
 * Errors: GPU_REGISTRY when there is no pip, no index in reach, or no such wheel.
 */
export async function askWheels(python: string, requirements: readonly string[]): Promise<readonly OfferedWheel[]> {
  const args = ['install', '--dry-run', '--ignore-installed', '--quiet', '--report', '-', '--target', '.', ...ASKED];
  const { install } = JSON.parse(await runPip(python, [...args, ...requirements])) as Report;
  return Promise.all(
    install.map(async ({ metadata, download_info: { url, archive_info } }) => ({
      name: metadata.name,
      version: metadata.version,
      file: decodeURIComponent(basename(new URL(url).pathname)),
      bytes: await sizeOf(url),
      sha256: archive_info?.hashes?.sha256 ?? null,
    })),
  );
}

/**
 * Downloads offered wheels into a folder of the caller and compares each with the registry's digest and size.
 *
 * Errors: GPU_REGISTRY when pip does not deliver, GPU_SOURCE when what it delivers is something else.
 */
export async function downloadWheels(
  python: string,
  wheels: readonly OfferedWheel[],
  folder: string,
  isShown: boolean,
): Promise<readonly string[]> {
  const exact = wheels.map((wheel) => `${wheel.name}==${wheel.version}`);
  await runPip(python, ['download', '--dest', folder, ...(isShown ? [] : ['--quiet']), ...ASKED, ...exact], isShown);
  const paths = wheels.map((wheel) => join(folder, wheel.file));
  for (const [i, wheel] of wheels.entries()) {
    const path = paths[i] ?? '';
    const whole = await Pieces.open(path, [path]);
    if (wheel.sha256 !== null) await compareDigest(whole, wheel.sha256);
    if (wheel.bytes !== null && wheel.bytes !== whole.bytes)
      throw new PrescoreError('GPU_SOURCE', {
        what: 'The download has another size than the registry said',
        where: path,
        expected: `${wheel.bytes} bytes`,
        got: `${whole.bytes} bytes`,
      });
  }
  return paths;
}

/** Reads a file whole and compares its sha256 (64 hex digits). Errors: GPU_SOURCE when they differ. */
export async function compareDigest(file: Pieces, sha256: string): Promise<void> {
  const hash = createHash('sha256');
  for await (const chunk of file.stream()) hash.update(chunk);
  const got = hash.digest('hex');
  if (got === sha256.toLowerCase()) return;
  throw new PrescoreError('GPU_SOURCE', {
    what: 'The file has another sha256',
    where: file.name,
    expected: sha256,
    got,
    fix: 'Get it again; a part may be missing at the end.',
  });
}

// The URL is one that pip gave. A registry that does not tell a size is no reason to fail.
async function sizeOf(url: string): Promise<number | null> {
  try {
    if (url.startsWith('file:')) return (await stat(fileURLToPath(url.split('#')[0] ?? url))).size;
    const answer = await fetch(url, { method: 'HEAD', signal: AbortSignal.timeout(SIZE_TIMEOUT_MS) });
    const told = answer.ok ? Number(answer.headers.get('content-length') ?? Number.NaN) : Number.NaN;
    return Number.isInteger(told) && told > 0 ? told : null;
  } catch {
    return null;
  }
}

function runPip(python: string, args: readonly string[], isShown = false): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(python, ['-m', 'pip', '--disable-pip-version-check', '--no-input', ...args], {
      // Its progress belongs to people: our stdout is for results.
      stdio: ['ignore', isShown ? 2 : 'pipe', 'pipe'],
    });
    let [stdout, stderr] = ['', ''];
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    const refuse = (what: string, cause?: unknown): void =>
      reject(new PrescoreError('GPU_REGISTRY', { what, where: `${python} -m pip ${args[0] ?? ''}`, cause }));
    child.on('error', (error) => refuse('Python cannot be started, so pip cannot be asked', error));
    child.on('close', (code) => {
      const said =
        stderr
          .split('\n')
          .filter((line) => line.startsWith('ERROR'))
          .at(-1) ?? stderr.trim().split('\n').at(-1);
      if (code === 0) resolve(stdout);
      else refuse((said ?? '').replace(/^ERROR: /, '') || `pip ended with code ${code}`);
    });
  });
}
