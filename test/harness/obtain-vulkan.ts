import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { access, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { brotliDecompressSync } from 'node:zlib';

const run = promisify(execFile);
const CACHE = join(import.meta.dirname, '..', '..', '.servers');
/** Carries SwiftShader (Apache-2.0), a Vulkan driver that computes on the CPU, with its loader. */
const PACKAGE = '@sparticuz/chromium@147.0.0';
const SHA256 = '18fe5404ce845594cd7d592fc07f37a19514079ba4d9c27192ad8b908743f16b';

let obtaining: Promise<Readonly<Record<string, string>>> | undefined;

/**
 * The environment in which WebGPU finds a software Vulkan: a provider that is not the CPU's, on any machine. Fetched once from
 * the registry into `.servers` and compared with its digest; no root, nothing outside the checkout.
 */
export function softwareVulkan(): Promise<Readonly<Record<string, string>>> {
  obtaining ??= obtain();
  return obtaining;
}

/** The environment of a machine without any Vulkan driver. */
export const NO_VULKAN = { VK_DRIVER_FILES: '/nonexistent.json', VK_ICD_FILENAMES: '/nonexistent.json' } as const;

async function obtain(): Promise<Readonly<Record<string, string>>> {
  const folder = join(CACHE, `vulkan-${SHA256.slice(0, 16)}`);
  if (!(await exists(folder))) await fetchInto(folder);
  const driver = join(folder, 'vk_swiftshader_icd.json');
  return { LD_LIBRARY_PATH: folder, VK_DRIVER_FILES: driver, VK_ICD_FILENAMES: driver };
}

async function fetchInto(folder: string): Promise<void> {
  const building = `${folder}.tmp-${process.pid}`;
  await mkdir(building, { recursive: true });
  try {
    await run('npm', ['pack', '--silent', '--pack-destination', building, PACKAGE]);
    const name = (await readdir(building)).find((file) => file.endsWith('.tgz'))!;
    const archive = join(building, name);
    const digest = createHash('sha256')
      .update(await readFile(archive))
      .digest('hex');
    if (digest !== SHA256) throw new Error(`${PACKAGE} has sha256 ${digest}, not ${SHA256}`);
    const packed = 'package/bin/swiftshader.tar.br';
    await run('tar', ['-xzf', archive, '-C', building, packed]);
    const tar = join(building, 'swiftshader.tar');
    await writeFile(tar, brotliDecompressSync(await readFile(join(building, packed))));
    await run('tar', ['-xf', tar, '-C', building, 'libvk_swiftshader.so', 'libvulkan.so.1', 'vk_swiftshader_icd.json']);
    for (const rest of [archive, tar, join(building, 'package')]) await rm(rest, { recursive: true });
    await rename(building, folder);
  } catch (error) {
    // Another run may have put its copy in place first.
    if (!(await exists(folder))) throw error;
  } finally {
    await rm(building, { recursive: true, force: true });
  }
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
