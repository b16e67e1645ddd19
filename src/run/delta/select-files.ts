import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { readPathValue } from '../../job/values/path-value.ts';
import { notSupported } from './log-fault.ts';
import type { DataFile, Snapshot } from './snapshot.ts';

/** What may stand behind the partitions of a table: everything below. */
const ALL = /^(\*\/)*(\*\*\/)?(\*|\*\*|\*\.parquet)?$/;

/**
 * The files of a table that a URI means by what stands in it behind the table's folder: `key=value/` for partition columns, where `*` is
 * any value. Their values are compared, as the log has them, not the names of folders.
 *
 * Errors: INPUT_UNSUPPORTED for anything else, INPUT_SCHEMA for a key that is no partition column or a value that is none of its type.
 */
export function selectFiles(snapshot: Snapshot, behind: string, uri: string): readonly DataFile[] {
  const [head = ''] = /^([^/=]+=[^/]*(\/|$))*/.exec(behind) ?? [];
  if (!ALL.test(behind.slice(head.length))) {
    throw notSupported(
      'the URI names files of a Delta table, of which only its log tells what they count for',
      uri,
      `Name the folder of the table, ${snapshot.table.uri}, or partitions of it (${snapshot.table.uri}/key=value/); where: leaves out other rows.`,
    );
  }
  const wanted = head.split('/').filter((segment) => segment !== '');
  const tests = wanted.flatMap((segment) => testOf(snapshot, segment, uri));
  return tests.length === 0
    ? snapshot.files
    : snapshot.files.filter(({ values }) => tests.every((test) => test(values)));
}

/** Types whose values have one text each. */
const NAMED = /^(VARCHAR|TINYINT|SMALLINT|INTEGER|BIGINT|BOOLEAN|DATE)$/;

type Test = (values: DataFile['values']) => boolean;

function testOf({ columns, table }: Snapshot, segment: string, uri: string): Test[] {
  const cut = segment.indexOf('=');
  const [key, text] = [segment.slice(0, cut), decoded(segment.slice(cut + 1))];
  const column = columns.find((c) => c.isPartition && c.name === key);
  const partitions = columns.filter((c) => c.isPartition).map((c) => c.name);
  const fault = (what: string, expected: string): PrescoreError =>
    new PrescoreError('INPUT_SCHEMA', { what, where: uri, expected, got: JSON.stringify(segment) });
  if (column === undefined) {
    const known = partitions.length === 0 ? 'none' : partitions.join(', ');
    throw fault(`${JSON.stringify(key)} is no partition column of the Delta table ${table.uri}`, known);
  }
  if (text === '*') return [];
  const { type } = column;
  if (type === null || !NAMED.test(type)) {
    throw fault(
      `partitions by a column of type ${column.says} cannot be named in a URI; leave rows out by where:`,
      'another type',
    );
  }
  const value = readPathValue(text, type);
  if (value === undefined || /[*?[]/.test(text)) throw fault('the partition is no value of its column', type);
  return [(values) => (values[key] ?? null) === value];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
