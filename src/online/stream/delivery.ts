import type { PredictionValue } from '../../base/contract/prediction-set.ts';
import type { StreamEntry } from '../../sets/redis/event-stream.ts';
import type { EventFault, ReadEvent } from './read-event.ts';

/** An event that this consumer holds, and what is known of it so far. */
export interface Delivery {
  readonly entry: StreamEntry;
  /** How often it was given to a consumer, this time included. */
  readonly deliveries: number;
  event: ReadEvent | null;
  fault: EventFault | null;
  values: Readonly<Record<string, PredictionValue>> | null;
  /** The scorer went down with it: it stays in the stream, and comes again alone. */
  isLeft: boolean;
}

export function delivery(entry: StreamEntry, deliveries: number): Delivery {
  return { entry, deliveries, event: null, fault: null, values: null, isLeft: false };
}

/** Dead letters that a stream of them keeps, about. */
export const DEAD_LETTERS = 100_000;

/** The fields of a dead letter: those of the event, and why it is there. */
export function deadLetter({ entry, deliveries, fault }: Delivery): (string | Buffer)[] {
  const { rule, column, message } = fault ?? { rule: '', column: '', message: '' };
  const why = {
    prescore_id: entry.id,
    prescore_rule: rule,
    prescore_column: column,
    prescore_message: message,
    prescore_deliveries: String(deliveries),
  };
  return [...(entry.fields ?? []).flat(), ...Object.entries(why).flat()];
}
