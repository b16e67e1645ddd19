/** Ceilings for text files. All are far above what writers produce. */
export const TEXT_LIMITS = {
  /** Bytes of text at the start of each file that types are guessed from. */
  sampleBytes: 1024 * 1024,
  /** Records of those. */
  sampleRecords: 10_000,
  /** Further places of a larger file that are looked at, and bytes and records of each. */
  laterPieces: 8,
  laterBytes: 64 * 1024,
  laterRecords: 1000,
  /** Bytes of one record: a CSV record with its line breaks, or a line of JSONL. */
  recordBytes: 16 * 1024 * 1024,
  /** Bytes that are read at a time. */
  blockBytes: 1024 * 1024,
  /** Fields of a CSV record, and different names in the sampled lines of a JSONL file. */
  columns: 20_000,
  /** Different reasons of one file; further ones share one. */
  reasons: 10_000,
} as const;
