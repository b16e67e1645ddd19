import type { ErrorCode } from '../../base/errors/error-codes.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';

/** What a fault says besides its place. */
export interface FaultFacts {
  readonly expected?: string;
  readonly got?: string;
  /** Row within the record batch, from 0. */
  readonly row?: number;
  readonly fix?: string;
  readonly cause?: unknown;
}

/** Makes the error for damaged metadata; the caller decides which code that is (footer, schema message, batch header). */
export type Damage = (what: string, facts?: FaultFacts) => PrescoreError;

/** Where in an Arrow file a fault lies: file, record batch or dictionary, column. Immutable; every fault names its place. */
export class ArrowPlace {
  private readonly file: string;
  private readonly parts: readonly string[];

  constructor(file: string, parts: readonly string[] = []) {
    this.file = file;
    this.parts = parts;
  }

  inBatch(index: number): ArrowPlace {
    return new ArrowPlace(this.file, [...this.parts, `record batch ${index}`]);
  }

  inDictionary(id: bigint): ArrowPlace {
    return new ArrowPlace(this.file, [...this.parts, `dictionary ${id}`]);
  }

  inColumn(name: string): ArrowPlace {
    return new ArrowPlace(this.file, [...this.parts, `column ${quoteName(name)}`]);
  }

  /** The error to throw. Errors: none. */
  fault(code: ErrorCode, what: string, facts: FaultFacts = {}): PrescoreError {
    const { row, ...rest } = facts;
    const parts = row === undefined ? this.parts : [...this.parts, `row ${row}`];
    return new PrescoreError(code, { what, where: [this.file, ...parts].join(', '), ...rest });
  }

  /** Damage under one code, for decoders that do not know what they decode for. */
  damage(code: ErrorCode): Damage {
    return (what, facts) => this.fault(code, what, facts);
  }
}

/** A column name as messages show it: quoted, and cut when it is long. The error type escapes control characters. */
export function quoteName(name: string): string {
  const points = Array.from(name.slice(0, 160));
  return points.length <= 64 && name.length <= 160 ? `"${name}"` : `"${points.slice(0, 63).join('')}…"`;
}
