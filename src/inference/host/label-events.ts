import type { PrescoreError } from '../../base/errors/prescore-error.ts';

/** What a server of a registry tells of its labels. All callbacks are cheap to leave empty. */
export interface LabelEvents {
  /** From now on `to` answers. `from`: what did before; null at the start. `move`: the link of the chain that said so. */
  onSwitch(model: string, label: string, from: string | null, to: string, move: number): void;
  /** The first answer of a version after a switch, so many seconds after the label was moved by the clock of who moved it. */
  onFirstAnswer(model: string, label: string, seconds: number): void;
  /**
   * What an entry of the list names cannot be served; `serving` goes on. `isNew`: it was not told before. `label` is the entry as a text where it is no label.
   */
  onFailure(
    model: string,
    label: string,
    failure: {
      readonly version: number | null;
      readonly serving: string | null;
      readonly error: PrescoreError;
      readonly isNew: boolean;
    },
  ): void;
  /** Labels cannot be looked up (told once), or can be again (null). What is loaded serves on. */
  onAway(error: PrescoreError | null): void;
}

export const SILENT_LABELS: LabelEvents = {
  onSwitch: () => undefined,
  onFirstAnswer: () => undefined,
  onFailure: () => undefined,
  onAway: () => undefined,
};

/** An entry of the list as it stands, for gauges and health. */
export interface LabelState {
  readonly name: string;
  /** Null: the entry names a version or a digest. */
  readonly label: string | null;
  /** The version that the registry names; null when nothing is known of it. */
  readonly named: string | null;
  /** The version that answers. */
  readonly serving: string | null;
  /** It answers requests that name neither version nor label. */
  readonly isFirst: boolean;
  readonly failure: PrescoreError | null;
}
