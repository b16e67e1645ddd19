/** A checked stream file. Times are milliseconds; null means: left out. */
export interface StreamConfig {
  /** Path of the job file. */
  readonly job: string;
  readonly stream: StreamPlace;
  readonly event: EventShape;
  readonly batch: { readonly maxRows: number; readonly maxWaitMs: number };
  /** Key of the stream for what cannot be scored. */
  readonly deadLetter: string;
  readonly retry: { readonly claimAfterMs: number; readonly maxDeliveries: number };
}

export interface StreamPlace {
  readonly redis: string;
  readonly key: string;
  readonly group: string;
  /** Where a group begins that is not there yet. */
  readonly from: 'beginning' | 'end';
}

/** Which fields of an event say what. */
export interface EventShape {
  /** Null: the key columns of the job. */
  readonly key: readonly string[] | null;
  /** A field that holds all features as one JSON object; null: every field is a feature. */
  readonly features: string | null;
  /** Null: the time in the id of the entry. */
  readonly time: string | null;
  /** Fields, or names in the JSON object, that are no features. */
  readonly ignore: readonly string[];
}
