import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { access, mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../', import.meta.url));
const BASE = 'requirements.txt';

const prepared = new Map<string, Promise<string>>();

/**
 * The folder of the pinned Python packages, for PYTHONPATH. Installed on first use into `.servers/python-<hash>`, where the
 * hash covers the pins and the Python version; built beside it and renamed, so that a half-made folder is never used and
 * test processes may race for it. Needs `python3` with pip, and the network once.
 */
export function pythonPath(pins = BASE): Promise<string> {
  let path = prepared.get(pins);
  if (path === undefined) {
    path = prepare(join(root, 'test/python', pins));
    prepared.set(pins, path);
  }
  return path;
}

/**
 * Runs a script of `test/python` with the pinned packages; answers with what it printed. Rejects when it fails. `pins` names
 * further lists of packages, which go before the others.
 */
export async function runPython(
  script: string,
  args: readonly string[] = [],
  pins: string | readonly string[] = [],
): Promise<string> {
  const env = { ...process.env, ...(await pythonEnvironment(typeof pins === 'string' ? [pins] : pins)) };
  const { stdout } = await run('python3', [join(root, 'test/python', script), ...args], {
    env,
    maxBuffer: 64 * 1024 * 1024,
  });
  return stdout;
}

/** What a Python needs to find the packages of these lists, before those of requirements.txt. */
export async function pythonEnvironment(pins: readonly string[]): Promise<Readonly<Record<string, string>>> {
  const path = (await Promise.all([...pins, BASE].map((list) => pythonPath(list)))).join(delimiter);
  return { PYTHONPATH: path, PYTHONDONTWRITEBYTECODE: '1', PYTHONHASHSEED: '0' };
}

async function prepare(requirements: string): Promise<string> {
  const { stdout: version } = await run('python3', ['--version']);
  const hash = createHash('sha256')
    .update(await readFile(requirements))
    .update(`${version} ${process.platform} ${process.arch}`)
    .digest('hex');
  const home = join(root, '.servers');
  const folder = join(home, `python-${hash.slice(0, 16)}`);
  if (await exists(folder)) return folder;
  await mkdir(home, { recursive: true });
  const building = await mkdtemp(join(home, 'tmp-python-'));
  try {
    const flags = ['--quiet', '--disable-pip-version-check', '--no-input', '--no-deps', '--only-binary', ':all:'];
    await run('python3', ['-m', 'pip', 'install', ...flags, '--target', building, '-r', requirements], {
      maxBuffer: 16 * 1024 * 1024,
    });
    await rename(building, folder);
  } catch (error) {
    await rm(building, { recursive: true, force: true });
    // Another process was faster: a folder that is there is whole.
    if (!(await exists(folder))) throw error;
  }
  return folder;
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
