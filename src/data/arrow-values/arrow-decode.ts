import type { ArrowPlace } from '../arrow/arrow-fault.ts';
import type { ArrowType } from '../arrow/arrow-schema.ts';
import { decodeFixedBytes, decodeOffsetBytes, decodeViewBytes } from './arrow-bytes.ts';
import { decodeCodes } from './arrow-codes.ts';
import type { DecodedColumn } from './arrow-column.ts';
import type { DecodeContext } from './arrow-decode-context.ts';
import { type FixedLayout, fixedLayout } from './arrow-fixed.ts';
import type { FieldLayout } from './arrow-layout.ts';
import { readOffsets } from './arrow-offsets.ts';
import { readValidity, type Validity } from './arrow-validity.ts';

/**
 * Decodes and checks one column of a record batch or dictionary.
 *
 * Errors: INPUT_CORRUPT naming what is wrong, INPUT_UNSUPPORTED, INPUT_TOO_LARGE, INPUT_TRUNCATED.
 * Owns: the result lives in memory that the body counted.
 */
export function decodeColumn(layout: FieldLayout, context: DecodeContext): DecodedColumn {
  const { field, node, buffers } = layout;
  const { body, place } = context;
  if (field.type.kind === 'null' && field.dictionary === null) {
    // Nulls have no buffers, so nothing but this stands against a claim of any number of them.
    body.reserve(node.rows * 4, place);
    return { kind: 'null', rows: node.rows };
  }
  const validity = readValidity(body, buffers[0] ?? 0, node, place);
  if (field.dictionary !== null) return decodeCodes(layout, field.dictionary, validity, context);
  return decodeValues(layout, field.type, validity, context);
}

function decodeValues(layout: FieldLayout, type: ArrowType, validity: Validity, context: DecodeContext): DecodedColumn {
  const { body, place } = context;
  switch (type.kind) {
    case 'utf8':
    case 'binary':
      return decodeOffsetBytes(layout, type.large, type.kind === 'utf8', validity, body, place);
    case 'utf8-view':
    case 'binary-view':
      return decodeViewBytes(layout, type.kind === 'utf8-view', validity, body, place);
    case 'fixed-binary':
      return decodeFixedBytes(layout, type.size, validity, body, place);
    case 'list':
      return decodeList(layout, type.large, validity, context);
    case 'fixed-list':
      return decodeFixedList(layout, type.size, validity, context);
    default: {
      const fixed = fixedLayout(type);
      if (fixed === null) throw place.fault('INPUT_UNSUPPORTED', `the column is of Arrow type ${type.kind}`);
      return decodeFixed(layout, fixed, validity, context);
    }
  }
}

function decodeFixed(
  layout: FieldLayout,
  fixed: FixedLayout,
  validity: Validity,
  context: DecodeContext,
): DecodedColumn {
  const { rows } = layout.node;
  const { body, place } = context;
  const bytes = body.buffer(layout.buffers[1] ?? 0, Math.ceil((rows * fixed.arrowBits) / 8), place);
  if (fixed.isCopied) body.reserve(rows * fixed.width, place);
  const fault = (code: Parameters<ArrowPlace['fault']>[0], what: string, row: number) =>
    place.fault(code, what, { row });
  return {
    kind: 'fixed',
    rows,
    validity,
    width: fixed.width,
    bytes: fixed.toDuckdb(bytes, { count: rows, validity, fault }),
  };
}

function decodeList(layout: FieldLayout, large: boolean, validity: Validity, context: DecodeContext): DecodedColumn {
  const { rows } = layout.node;
  const offsets = readOffsets(context.body, layout.buffers[1] ?? 0, rows, large, context.place);
  const child = decodeChild(layout, offsets[rows] ?? 0, context);
  return { kind: 'list', rows, validity, start: (row) => offsets[row] ?? 0, child };
}

function decodeFixedList(layout: FieldLayout, size: number, validity: Validity, context: DecodeContext): DecodedColumn {
  const { rows } = layout.node;
  const child = decodeChild(layout, rows * size, context);
  return { kind: 'list', rows, validity, start: (row) => row * size, child };
}

function decodeChild(layout: FieldLayout, least: number, context: DecodeContext): DecodedColumn {
  const child = layout.children[0];
  if (child === undefined || child.node.rows < least) {
    throw context.place.fault('INPUT_CORRUPT', 'the values of a list are too few', {
      expected: `${least}`,
      got: `${child?.node.rows ?? 0}`,
    });
  }
  return decodeColumn(child, context);
}
