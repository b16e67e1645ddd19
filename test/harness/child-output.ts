import type { Readable } from 'node:stream';

/** What a child has written so far, as text. */
export interface ChildOutput {
  stdout: string;
  stderr: string;
}

/** Gathers what a child writes to its pipes, from now on. */
export function outputOf(child: { readonly stdout: Readable; readonly stderr: Readable }): ChildOutput {
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const)
    child[name].setEncoding('utf8').on('data', (text: string) => {
      output[name] += text;
    });
  return output;
}
