import type { ChildProcess } from 'node:child_process';
import { fromErrorJson, PrescoreError } from '../../base/errors/prescore-error.ts';
import type { BenchReplies, BenchRequest, FromBench, InspectedModel } from '../../scoring/bench/bench-messages.ts';
import { forkScorer } from '../../scoring/pool/fork-scorer.ts';
import { scorerEnvironment } from './spare-scorer.ts';

const isSource = import.meta.url.endsWith('.ts');
const ENTRY = new URL(isSource ? '../bench-main.ts' : './bench-main.js', import.meta.url);

/** What a model does may end the process that it is in, or never end: each request has a child of its own, and a deadline. */
const DEADLINE_MS: Readonly<Record<BenchRequest['kind'], number>> = {
  inspect: 90_000,
  graph: 180_000,
  compare: 600_000,
};
/** After each thing that an inspection has found: what is left are trials of a few seconds each. */
const SILENCE_MS = 30_000;

/** Asks children about models. */
export class ModelBench {
  private readonly children = new Set<ChildProcess>();

  /** Asks a new child. `soFar` is told what an inspection has found before it is done. Errors: the child's; SCORER_CRASHED, SCORER_DEADLINE. */
  async ask<K extends BenchRequest['kind']>(
    request: BenchRequest & { readonly kind: K },
    soFar: (found: InspectedModel) => void = () => undefined,
  ): Promise<BenchReplies[K]> {
    const child = forkScorer(ENTRY, scorerEnvironment());
    this.children.add(child);
    try {
      return (await answerOf(child, request, soFar)) as BenchReplies[K];
    } finally {
      child.kill('SIGKILL');
      this.children.delete(child);
    }
  }

  /** Ends all of them at once. */
  kill(): void {
    for (const child of this.children) child.kill('SIGKILL');
  }
}

function answerOf(
  child: ChildProcess,
  request: BenchRequest,
  soFar: (found: InspectedModel) => void,
): Promise<BenchReplies[keyof BenchReplies]> {
  return new Promise((resolve, reject) => {
    const fail = (code: 'SCORER_CRASHED' | 'SCORER_DEADLINE', what: string, fix?: string): void =>
      reject(new PrescoreError(code, { what, ...(fix === undefined ? {} : { fix }) }));
    const deadline = (ms: number): NodeJS.Timeout =>
      setTimeout(() => fail('SCORER_DEADLINE', `it took more than ${ms / 1000} s`), ms);
    let late = deadline(DEADLINE_MS[request.kind]);
    child.on('message', (message: FromBench) => {
      if (message.ok === 'so far') {
        soFar(message.found);
        if (message.found.loaded === null) return;
        clearTimeout(late);
        late = deadline(SILENCE_MS);
        return;
      }
      clearTimeout(late);
      if (message.ok) resolve(message.value);
      else reject(fromErrorJson(message.error));
    });
    child.on('error', (cause) => {
      clearTimeout(late);
      fail('SCORER_CRASHED', `the process did not start: ${cause.message}`);
    });
    child.on('exit', (code, signal) => {
      clearTimeout(late);
      const how = signal === null ? `exit code ${code}` : `signal ${signal}`;
      const fix = 'Most often it needs more memory than there is.';
      fail('SCORER_CRASHED', `the process that loaded the model ended by itself (${how})`, fix);
    });
    child.send(request, () => undefined);
  });
}
