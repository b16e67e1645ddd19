/** Random access to the bytes of one pinned object. */
export interface ByteSource {
  /** Bytes. */
  readonly size: number;
  /** Exactly [offset, offset + length). Errors: those of `ObjectStore.readRange`. Owns: the caller. */
  read(offset: number, length: number): Promise<Uint8Array>;
}
