import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { madeOnce, note, PYTHON } from './paths.ts';
import { pythonEnv, runPython } from './python-env.ts';

/** Why lleaves cannot be measured here, such as that its LLVM has no wheel for this machine; null where it can. */
export async function whyNoLleaves(): Promise<string | null> {
  try {
    await pythonEnv('lleaves');
    return null;
  } catch (error) {
    return String(error instanceof Error ? error.message : error)
      .trim()
      .split('\n')
      .at(-1)!;
  }
}

/** The folder with the trees of an ONNX model as LightGBM text, compiled by lleaves; made once, and not timed with anything. */
export function lleavesTwin(model: string): Promise<string> {
  const key = ['make_lleaves.py', 'requirements-lleaves.txt'].map((file) => readFileSync(join(PYTHON, file)));
  return madeOnce('lleaves-twin', [readFileSync(model), ...key], async (folder) => {
    note('compiling the twin of the model with lleaves, which takes a minute or two');
    await runPython('lleaves', 'make_lleaves.py', [model, folder]);
  });
}
