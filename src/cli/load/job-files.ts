import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { WrittenJob } from '../../base/contract/job.ts';
import { PrescoreError, toPrescoreError } from '../../base/errors/prescore-error.ts';
import { loadJob } from './load-job.ts';

const JOB_NAME = /\.(ya?ml|json)$/;
/** Other YAML files may lie beside job files; only those with this key are meant. */
const JOB_KEY = /^\s*\{?\s*["']?prescore["']?\s*:/m;

interface KnownFile {
  readonly text: string;
  /** The last good reading. */
  readonly job: WrittenJob | null;
}

/**
 * Job files named one by one or by their folders, read again on demand. A file that became unreadable keeps its last good
 * reading until it is gone, so that a slip of an editor stops no schedule.
 */
export class JobFiles {
  private readonly paths: readonly string[];
  private readonly onProblem: (path: string, error: PrescoreError) => void;
  private known = new Map<string, KnownFile>();

  /** Each problem is told once for each content of a file. */
  constructor(paths: readonly string[], onProblem: (path: string, error: PrescoreError) => void) {
    this.paths = paths;
    this.onProblem = onProblem;
  }

  /** The jobs as they are now; an unchanged file gives the same object. Errors: none, they are told. */
  read(): WrittenJob[] {
    const found = new Map<string, KnownFile>();
    for (const path of this.paths.flatMap((p) => this.expand(p))) {
      const file = this.readFile(path);
      if (file !== null) found.set(path, file);
    }
    this.known = found;
    return [...found.values()].flatMap(({ job }) => (job === null ? [] : [job]));
  }

  private expand(path: string): string[] {
    try {
      if (!statSync(path).isDirectory()) return [path];
      const names = readdirSync(path).filter((name) => JOB_NAME.test(name) && !name.startsWith('.'));
      return names.sort().map((name) => join(path, name));
    } catch {
      // Gone for now; at the start the command has looked.
      return [];
    }
  }

  private readFile(path: string): KnownFile | null {
    const before = this.known.get(path);
    let text: string;
    try {
      text = readFileSync(path, 'utf8');
    } catch {
      return null;
    }
    if (before?.text === text) return before;
    if (!this.paths.includes(path) && !JOB_KEY.test(text)) return null;
    try {
      return { text, job: loadJob(path) };
    } catch (error) {
      this.onProblem(path, toPrescoreError(error));
      return { text, job: before?.job ?? null };
    }
  }
}

/** Errors: SPEC_NOT_FOUND when a path is neither a file nor a folder. */
export function refuseMissing(paths: readonly string[]): void {
  for (const path of paths) {
    if (statSync(path, { throwIfNoEntry: false }) === undefined) {
      throw new PrescoreError('SPEC_NOT_FOUND', { what: 'there is no such file or folder', where: path });
    }
  }
}
