import type { ArrowPlace } from '../arrow/arrow-fault.ts';
import type { BatchHeader, FieldNode } from '../arrow/arrow-message.ts';
import type { ArrowField } from '../arrow/arrow-schema.ts';

/** Which node and buffers of a batch belong to a field. */
export interface FieldLayout {
  readonly field: ArrowField;
  readonly node: FieldNode;
  /** Indices of the batch's buffers, in the order of the format: validity, then offsets or types, then data. */
  readonly buffers: readonly number[];
  readonly children: readonly FieldLayout[];
}

/**
 * Deals the nodes and buffers of a batch out to its fields, depth first. All fields are walked, wanted or not, because a
 * field's buffers are found only by counting those before it.
 *
 * Errors: INPUT_CORRUPT when a field's rows differ from the batch's, or nodes or buffers are missing or left over.
 */
export function layoutFields(fields: readonly ArrowField[], header: BatchHeader, place: ArrowPlace): FieldLayout[] {
  const walk = new LayoutWalk(header, place);
  const layouts = fields.map((field) => walk.field(field));
  for (const { field, node } of layouts) {
    if (node.rows !== header.rows) {
      throw place.inColumn(field.name).fault('INPUT_CORRUPT', 'the column and its record batch differ in rows', {
        expected: `${header.rows} rows`,
        got: `${node.rows}`,
      });
    }
  }
  walk.requireEnd();
  return layouts;
}

class LayoutWalk {
  private readonly header: BatchHeader;
  private readonly place: ArrowPlace;
  private node = 0;
  private buffer = 0;
  private view = 0;

  constructor(header: BatchHeader, place: ArrowPlace) {
    this.header = header;
    this.place = place;
  }

  field(field: ArrowField): FieldLayout {
    const node = this.header.nodes[this.node++];
    if (node === undefined)
      throw this.place.fault('INPUT_CORRUPT', 'the record batch has fewer columns than the schema');
    const count = this.bufferCount(field);
    const buffers = Array.from({ length: count }, () => this.buffer++);
    if (this.buffer > this.header.buffers.length) {
      throw this.place.inColumn(field.name).fault('INPUT_CORRUPT', 'the record batch has too few buffers');
    }
    const children = field.dictionary === null ? field.children.map((child) => this.field(child)) : [];
    return { field, node, buffers, children };
  }

  requireEnd(): void {
    const { nodes, buffers, viewBuffers } = this.header;
    if (this.node !== nodes.length || this.buffer !== buffers.length || this.view !== viewBuffers.length) {
      throw this.place.fault('INPUT_CORRUPT', 'the record batch has more columns or buffers than the schema');
    }
  }

  private bufferCount(field: ArrowField): number {
    if (field.dictionary !== null) return 2;
    const { type } = field;
    switch (type.kind) {
      case 'null':
      case 'run-end-encoded':
        return 0;
      case 'struct':
      case 'fixed-list':
        return 1;
      case 'utf8':
      case 'binary':
      case 'list-view':
        return 3;
      case 'union':
        return (type.dense ? 2 : 1) + (this.header.isV4 ? 1 : 0);
      case 'utf8-view':
      case 'binary-view': {
        const dataBuffers = this.header.viewBuffers[this.view++] ?? 0;
        // Checked before it is used as a length of an array.
        const isPossible = this.buffer + 2 + dataBuffers <= this.header.buffers.length;
        if (!isPossible)
          throw this.place.inColumn(field.name).fault('INPUT_CORRUPT', 'the record batch has too few buffers');
        return 2 + dataBuffers;
      }
      default:
        return 2;
    }
  }
}
