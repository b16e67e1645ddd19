import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { access, chmod, copyFile, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { inspectModel } from '../../src/model/onnx/inspect-model.ts';
import { OnnxSession } from '../../src/model/onnx/onnx-session.ts';
import { runPython } from './python.ts';
import { fixtures, sha256Of } from './temp-job.ts';

// As scorer children have it: the runtime reads it when its first session is made.
process.env['ORT_DISABLE_TELEMETRY'] = '1';

const root = fileURLToPath(new URL('../../', import.meta.url));
const scripts = join(root, 'test/python');

let made: Promise<string> | null = null;

/**
 * A folder with the models of make_models.py, external_models.py and row_models.py, and the tables and expected values of model_kinds.py. Made once into
 * `.servers/models-<hash>`, where the hash covers the scripts and the pins. Read only: tests that change a file copy it.
 */
export function modelFolder(): Promise<string> {
  made ??= makeModels();
  return made;
}

/** `model:` of a job file for one of these models, pinned. */
export function pinnedModel(path: string): { readonly uri: string; readonly sha256: string } {
  return { uri: path, sha256: sha256Of(path) };
}

/** A model as a scorer opens it, in this process. Rejects as a scorer would. */
export async function openModel(path: string): Promise<OnnxSession> {
  const bytes = new Uint8Array(readFileSync(path));
  const { file } = inspectModel(bytes, path, null);
  return OnnxSession.open(bytes, file, { intraOpThreads: 1, device: 'cpu' }, path);
}

/** x [N, 3] -> y = x + [1, 2, 3], whose weights lie in a file beside the graph. Gives the path of the graph. */
export async function outsideModel(folder: string): Promise<string> {
  const path = join(folder, 'model.onnx');
  await copyFile(join(await modelFolder(), 'external_beside.onnx'), path);
  await writeFile(join(folder, 'weights.bin'), new Float32Array([1, 2, 3]));
  return path;
}

/** The digest of such a model, as docs/models.md writes it down for a shell. */
export async function outsideDigest(path: string): Promise<string> {
  const script = '(sha256sum < model.onnx | cut -c1-64; sha256sum weights.bin) | sha256sum | cut -c1-64';
  const { stdout } = await promisify(execFile)('sh', ['-c', script], { cwd: dirname(path) });
  return stdout.trim();
}

async function makeModels(): Promise<string> {
  const hash = createHash('sha256');
  for (const name of (await readdir(scripts)).sort()) {
    if (/^(make_models|external_models|row_models|model_kinds)\.py$|^requirements\.txt$/.test(name))
      hash.update(await readFile(join(scripts, name)));
  }
  const home = join(root, '.servers');
  const folder = join(home, `models-${hash.digest('hex').slice(0, 16)}`);
  if (await exists(folder)) return folder;
  await mkdir(home, { recursive: true });
  const building = await mkdtemp(join(home, 'tmp-models-'));
  try {
    await runPython('model_kinds.py', [building, fixtures]);
    // Tests read it as other users too.
    await chmod(building, 0o755);
    await rename(building, folder);
  } catch (error) {
    await rm(building, { recursive: true, force: true });
    // Another test process was faster: a folder that is there is whole.
    if (!(await exists(folder))) throw error;
  }
  return folder;
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
