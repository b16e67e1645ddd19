import type { RegistryReader, ResolvedModel, VersionRecord } from '../../base/contract/registry.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { printJson } from '../output/print-json.ts';
import { printTable } from '../output/print-table.ts';
import { type RegistryFlags, readRef, withRegistry } from './registry-place.ts';
import { sayDataset, sayOpset, sayTensor, shownCells } from './say-version.ts';

/** One thing in which two versions differ; null where one has nothing there. */
interface Difference {
  readonly what: string;
  readonly a: string | null;
  readonly b: string | null;
}

/** `prescore models diff NAME A B`: each of them a version, a label or `sha256:…`. */
export async function modelsDiff(name: string, a: string, b: string, flags: RegistryFlags): Promise<number> {
  return withRegistry(flags, [], async (registry) => {
    const [one, other] = [await recorded(registry, name, a), await recorded(registry, name, b)];
    const differences = [...differ(one, other)];
    if (flags.json === true) printJson({ event: 'model-diff', name, a: one.version, b: other.version, differences });
    else if (differences.length === 0)
      process.stdout.write(`${name}/${one.version} and ${name}/${other.version} are alike.\n`);
    else {
      const rows = differences.map(({ what, a: left, b: right }) => [what, left ?? '-', right ?? '-']);
      printTable(['', `${name}/${one.version}`, `${name}/${other.version}`], shownCells(rows), process.stdout);
    }
    return 0;
  });
}

async function recorded(registry: RegistryReader, name: string, named: string): Promise<VersionRecord> {
  const ref = readRef(/^[1-9]\d*$/.test(named) ? `${name}/${named}` : `${name}@${named.replace(/^@/, '')}`);
  const { record, version }: ResolvedModel = await registry.resolve(ref);
  if (record !== null) return record;
  const what = 'nothing is known of the version: it has no version.json';
  throw new PrescoreError('REGISTRY_UNKNOWN', { what, where: `${name}/${version}` });
}

/** In what two versions differ, the model itself first. */
function* differ(one: VersionRecord, other: VersionRecord): Generator<Difference> {
  const whole = (record: VersionRecord): Map<string, string> =>
    new Map([
      ['digest', record.digest],
      ['kind', record.kind],
      ['opset', sayOpset(record)],
      ['trainedAt', record.lineage.trainedAt ?? ''],
      ['dataset', record.lineage.dataset === null ? '' : sayDataset(record.lineage.dataset)],
      ['commit', record.lineage.code?.commit ?? ''],
    ]);
  const tensors = (record: VersionRecord, side: 'inputs' | 'outputs'): Map<string, string> =>
    new Map((record.signature?.[side] ?? []).map((tensor) => [tensor.name, sayTensor(tensor)]));
  const files = ({ files: all }: VersionRecord): Map<string, string> =>
    new Map(all.map(({ path, bytes, sha256 }) => [path, `${bytes} bytes, ${sha256.slice(0, 12)}`]));
  const pairs = (values: Readonly<Record<string, string | number>>): Map<string, string> =>
    new Map(Object.entries(values).map(([key, value]) => [key, String(value)]));
  yield* differing('', whole(one), whole(other));
  yield* differing('input ', tensors(one, 'inputs'), tensors(other, 'inputs'));
  yield* differing('output ', tensors(one, 'outputs'), tensors(other, 'outputs'));
  yield* differing('file ', files(one), files(other));
  yield* differing('param ', pairs(one.lineage.params), pairs(other.lineage.params));
  yield* differing('metric ', pairs(one.lineage.metrics), pairs(other.lineage.metrics));
}

function* differing(
  what: string,
  a: ReadonlyMap<string, string>,
  b: ReadonlyMap<string, string>,
): Generator<Difference> {
  for (const key of new Set([...a.keys(), ...b.keys()])) {
    const [left, right] = [a.get(key) ?? null, b.get(key) ?? null];
    if (left !== right) yield { what: `${what}${key}`, a: left === '' ? null : left, b: right === '' ? null : right };
  }
}
