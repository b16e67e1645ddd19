/**
 * Ceilings on what an Arrow file's own length fields may claim. All are far above what writers produce; a claim above one
 * is refused before anything is allocated for it.
 */
export const ARROW_LIMITS = {
  /** Bytes of a file's footer. */
  footerBytes: 64 * 1024 * 1024,
  /** Bytes of one message's metadata (schema, dictionary or record batch header). */
  messageBytes: 16 * 1024 * 1024,
  /** Fields of the schema, children counted. */
  fields: 100_000,
  /** Bytes of one name, and of all names together. */
  nameBytes: 64 * 1024,
  allNamesBytes: 64 * 1024 * 1024,
  /** Nesting of lists and structs. */
  depth: 32,
  /** Record batches, and dictionary batches, of one file. */
  blocks: 1_000_000,
  /** Rows of one record batch. */
  batchRows: 0x7fffffff,
} as const;
