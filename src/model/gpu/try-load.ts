import { execFile } from 'node:child_process';
import { delimiter } from 'node:path';
import { PROVIDER_FILES } from './provider-source.ts';

/** What the loader itself says of the provider library. */
export interface LoadAttempt {
  readonly isLoaded: boolean;
  /** The loader's words; empty when it is loaded. */
  readonly says: string;
}

// Node takes any library for an addon: one that loads, and is none, is refused only after that. The CUDA library then asks the other one
// for ONNX Runtime (Provider_GetHost), which only ONNX Runtime could answer: who comes so far has found all that it needs.
const SCRIPT = `
const [folder, ...names] = process.argv.slice(1);
let says = '';
for (const name of names) {
  try { process.dlopen({ exports: {} }, folder + '/' + name); }
  catch (error) {
    if (!/did not self-register|undefined symbol: Provider_GetHost/.test(error.message)) { says = error.message; break; }
  }
}
require('node:fs').writeSync(1, JSON.stringify(says));
// CUDA's own work at exit is not wanted.
process.kill(process.pid, 'SIGKILL');
`;
const TIMEOUT_MS = 60_000;

/**
 * Loads the provider libraries of a folder in a process of its own, with `libraryPath` as a scorer child gets it, and ends it. It
 * needs no GPU; a library that ends the process while it is loaded is told as such. Whether ONNX Runtime and CUDA then agree, only a session shows.
 */
export function tryLoad(folder: string, libraryPath: readonly string[]): Promise<LoadAttempt> {
  const env = { ...process.env, LD_LIBRARY_PATH: libraryPath.join(delimiter) };
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      ['-e', SCRIPT, folder, ...PROVIDER_FILES],
      { env, timeout: TIMEOUT_MS, encoding: 'utf8' },
      (error, stdout, stderr) => {
        try {
          const says = JSON.parse(stdout) as string;
          resolve({ isLoaded: says === '', says });
        } catch {
          const last = stderr.trim().split('\n').at(-1) ?? '';
          resolve({
            isLoaded: false,
            says: `the process that tried ended with ${error?.signal ?? error?.code}: ${last}`,
          });
        }
      },
    );
  });
}
