import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { needRoom } from './disk-room.ts';
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

// `pip install --dry-run --report` fetches every wheel to tell of them, up to a version of pip that most hosts do not have; so its finder is asked
// directly, with the session, credentials, proxies and certificates that pip is set up with. The only place that knows pip from inside.
const ASK = `
import json, os, sys
from pip._internal.cli.cmdoptions import make_target_python
from pip._internal.commands.download import DownloadCommand
from pip._vendor.packaging.requirements import Requirement
command = DownloadCommand("download", "")
options, requirements = command.parse_args(sys.argv[1:])
session = command._build_session(options)
finder = command._build_package_finder(options, session, make_target_python(options))
def size(link):
    try:
        if link.is_file:
            return os.path.getsize(link.file_path)
        answer = session.head(link.url_without_fragment, headers={"Accept-Encoding": "identity"}, timeout=15, allow_redirects=True)
        return int(answer.headers["content-length"]) if answer.ok else None
    except Exception:
        return None
offers = []
for text in requirements:
    asked = Requirement(text)
    best = finder.find_best_candidate(asked.name, asked.specifier).best_candidate
    if best is None:
        sys.exit("ERROR: No matching distribution found for " + text)
    link = best.link
    digest = link.hash if link.hash_name == "sha256" else None
    offers.append({"name": best.name, "version": str(best.version), "file": link.filename, "bytes": size(link), "sha256": digest})
print(json.dumps(offers))
`;

/**
 * Asks pip which wheels it would take for the requirements, by the index that it is set up for, and the registry for their sizes; no
 * wheel is downloaded.
 *
 * Errors: GPU_REGISTRY when there is no pip, no index in reach, or no such wheel.
 */
export async function askWheels(python: string, requirements: readonly string[]): Promise<readonly OfferedWheel[]> {
  const told = await runPython(python, ['-c', ASK, '--no-input', ...ASKED, ...requirements], false);
  try {
    return JSON.parse(told) as OfferedWheel[];
  } catch (cause) {
    throw new PrescoreError('GPU_REGISTRY', { what: 'pip gave no answer that can be read', where: python, cause });
  }
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
  const needed = wheels.reduce((sum, wheel) => sum + (wheel.bytes ?? 0), 0);
  await needRoom(folder, needed, {
    what: 'The disk has too little room for the download',
    fix: 'Set TMPDIR to a folder on a larger disk.',
  });
  const pip = [
    '-m',
    'pip',
    '--disable-pip-version-check',
    '--no-input',
    'download',
    '--no-cache-dir',
    '--dest',
    folder,
  ];
  await runPython(python, [...pip, ...(isShown ? [] : ['--quiet']), ...ASKED, ...exact], isShown);
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

function runPython(python: string, args: readonly string[], isShown: boolean): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(python, args, {
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
      reject(new PrescoreError('GPU_REGISTRY', { what, where: `pip of ${python}`, cause }));
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
