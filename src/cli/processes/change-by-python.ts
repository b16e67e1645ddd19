import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { oneLine, PrescoreError } from '../../base/errors/prescore-error.ts';

const SCRIPT = fileURLToPath(new URL('./change_model.py', import.meta.url));
/** The packages that the script needs, in versions that it is tested with; the first is that of ONNX Runtime here. */
const PACKAGES = 'onnxruntime==1.30.0 onnx==1.23.2';
const LONGEST_MS = 900_000;
const MOST_TEXT = 16_384;

/** What a Python has made of a model. */
export interface ChangedByPython {
  /** The packages that did it, with their versions. */
  readonly tool: string;
  /** Layers that were changed, and those that were left as they are. */
  readonly changed: { readonly layers: number; readonly kept: number };
}

interface Answer {
  readonly tool?: string;
  readonly changed?: ChangedByPython['changed'];
  readonly missing?: readonly string[];
  readonly error?: string;
}

/**
 * Has a Python change a model: `fp16`, or `int8` with a folder of feeds. Nothing is installed there. `stop` ends it.
 *
 * Errors: PYTHON_UNUSABLE where there is none, or it lacks a package, with the line that installs it; MODEL_NOT_CHANGED with what its
 * packages say.
 */
export async function changeByPython(
  python: string,
  args: readonly ['fp16', string, string] | readonly ['int8', string, string, string],
  where: string,
  stop: AbortSignal,
): Promise<ChangedByPython> {
  const { text, says } = await run(python, args, stop);
  const answer = readAnswer(text);
  if (answer === null) {
    const what = `the Python ended without an answer${says === '' ? '' : `: ${oneLine(says.slice(-300), 300)}`}`;
    throw new PrescoreError('PYTHON_UNUSABLE', { what, where: python });
  }
  if (answer.missing !== undefined) {
    const fix = `Install what is missing: ${python} -m pip install ${PACKAGES}`;
    throw new PrescoreError('PYTHON_UNUSABLE', {
      what: `it has no package ${answer.missing.join(', ')}`,
      where: python,
      fix,
    });
  }
  const { tool = '', changed, error } = answer;
  if (changed !== undefined) return { tool, changed };
  throw new PrescoreError('MODEL_NOT_CHANGED', { what: `${error ?? 'it was not changed'} (${tool})`, where });
}

function run(
  python: string,
  args: readonly string[],
  signal: AbortSignal,
): Promise<{ readonly text: string; readonly says: string }> {
  return new Promise((resolve, reject) => {
    const env = { ...process.env, PYTHONDONTWRITEBYTECODE: '1', ORT_DISABLE_TELEMETRY: '1' };
    const child = spawn(python, [SCRIPT, ...args], {
      env,
      signal,
      killSignal: 'SIGKILL',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    // Not `timeout` of spawn: where nothing was started it would keep this process waiting.
    const late = setTimeout(() => child.kill('SIGKILL'), LONGEST_MS);
    let [text, says] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (more: string) => {
      text = `${text}${more}`.slice(-MOST_TEXT);
    });
    child.stderr.setEncoding('utf8').on('data', (more: string) => {
      says = `${says}${more}`.slice(-MOST_TEXT);
    });
    child.on('error', (cause) => {
      clearTimeout(late);
      const what = `it cannot be started (${(cause as NodeJS.ErrnoException).code ?? cause.message})`;
      const fix = 'Pass --python with the path of a Python 3 that has onnxruntime and onnx.';
      reject(new PrescoreError('PYTHON_UNUSABLE', { what, where: python, fix, cause }));
    });
    child.on('close', () => {
      clearTimeout(late);
      resolve({ text, says });
    });
  });
}

function readAnswer(text: string): Answer | null {
  try {
    return JSON.parse(text) as Answer;
  } catch {
    return null;
  }
}
