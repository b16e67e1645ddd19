import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** What a check has found so far: in its file at any time, so that a check that is cut short keeps what it has. */
export class CheckReport {
  private readonly out: string | null;
  private found: object = {};

  /** `out`: the file; null for none. */
  constructor(out: string | null) {
    this.out = out;
    if (out !== null) mkdirSync(dirname(out), { recursive: true });
  }

  /** Adds facts, or replaces those of the same names. */
  add(facts: object): void {
    this.found = { ...this.found, ...facts };
    this.write({ ...this.found, isWhole: false, exitCode: null });
  }

  /** Prints all of it as one line of JSON; gives `code`. */
  end(code: number): number {
    const report = { ...this.found, isWhole: true, exitCode: code };
    this.write(report);
    process.stdout.write(`${JSON.stringify(report)}\n`);
    return code;
  }

  private write(report: object): void {
    if (this.out !== null) writeFileSync(this.out, `${JSON.stringify(report)}\n`);
  }
}
