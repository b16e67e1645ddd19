import { labelOf, sayModelRef } from '../../base/contract/model-ref.ts';
import type { LabelRecord, ModelRef } from '../../base/contract/registry.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';

/** Why an entry of the list does not serve what it names. */
export interface RefFailure {
  readonly version: number | null;
  readonly error: PrescoreError;
  /** Of `performance.now`. */
  readonly at: number;
}

/** An entry of the list of what is served, and where it stands. */
export class ServedRef {
  readonly ref: ModelRef;
  /** It answers where neither version nor label is named. */
  readonly isFirst: boolean;
  /** The version that it names; null while that is not known. */
  named: number | null;
  /** The last move of the labels: number, and milliseconds since 1970. */
  move = 0;
  movedAtMs = 0;
  failure: RefFailure | null = null;
  /** A version is being loaded for it. */
  switching: Promise<void> | null = null;

  constructor(ref: ModelRef, isFirst: boolean) {
    this.ref = ref;
    this.isFirst = isFirst;
    this.named = ref.by === 'version' ? ref.version : null;
  }

  get label(): string | null {
    return this.ref.by === 'label' ? this.ref.label : null;
  }

  /** As lists and metrics call it. */
  get text(): string {
    return this.label ?? sayModelRef(this.ref).slice(this.ref.name.length + 1);
  }

  /** Takes over what the labels of its name are now. */
  look(head: LabelRecord | null): void {
    const { label } = this;
    if (label === null) return;
    const named = labelOf(head, label);
    if (named === this.named || head === null) {
      if (head === null) this.named = null;
      return;
    }
    this.named = named;
    this.move = head.n;
    this.movedAtMs = Date.parse(head.at);
  }
}

/** Entries with the first of each name marked. */
export function servedRefs(refs: readonly ModelRef[]): ServedRef[] {
  return refs.map((ref, i) => new ServedRef(ref, refs.findIndex(({ name }) => name === ref.name) === i));
}

/** What a request is told while an entry has nothing that answers; without places. */
export function noVersion({ ref, failure }: ServedRef): PrescoreError {
  const why = failure === null ? 'it is not known yet' : failure.error.code;
  const what = `${sayModelRef(ref)} has no version that answers: ${why}`;
  return new PrescoreError('LIVE_UNAVAILABLE', { what, ...(failure === null ? {} : { cause: failure.error }) });
}
