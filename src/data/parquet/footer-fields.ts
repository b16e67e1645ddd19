import { requiredFields, WIRE } from './thrift-compact.ts';

const { i32, i64, binary, list, struct, byte } = WIRE;
const bool = WIRE.true;
const zoned = requiredFields({ 1: bool, 2: struct });

/**
 * What `parquet.thrift` requires of the structs of a footer. DuckDB refuses a footer in which one is missing, and is not asked about a
 * file whose schema is known from another: so it is found here, before anything is scored.
 */
export const REQUIRED = {
  file: requiredFields({ 1: i32, 2: list, 3: i64, 4: list }),
  keyValue: requiredFields({ 1: binary }),
  schemaNode: requiredFields({ 4: binary }),
  group: requiredFields({ 1: list, 2: i64, 3: i64 }),
  sorting: requiredFields({ 1: i32, 2: bool, 3: bool }),
  chunk: requiredFields({ 2: i64 }),
  chunkData: requiredFields({ 1: i32, 2: list, 3: list, 4: i32, 5: i64, 6: i64, 7: i64, 9: i64 }),
  pages: requiredFields({ 1: i32, 2: i32, 3: i32 }),
  /** By the number of the logical type: decimal, time, timestamp, integer. */
  logical: new Map([
    [5, requiredFields({ 1: i32, 2: i32 })],
    [7, zoned],
    [8, zoned],
    [10, requiredFields({ 1: byte, 2: bool })],
  ]),
};
