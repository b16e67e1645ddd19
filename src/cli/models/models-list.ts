import type { ListedVersion, RegistryReader } from '../../base/contract/registry.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { sayCount } from '../../base/telemetry/progress-line.ts';
import { printJson } from '../output/print-json.ts';
import { printTable } from '../output/print-table.ts';
import { type RegistryFlags, withRegistry } from './registry-place.ts';
import { shownCells } from './say-version.ts';

/** `prescore models list [NAME]`: the models of a registry, or the versions of one. */
export async function modelsList(name: string | undefined, flags: RegistryFlags): Promise<number> {
  return withRegistry(flags, [], async (registry) => {
    if (name !== undefined) return listVersions(registry, name, flags.json === true);
    const rows: string[][] = [];
    for (const model of await registry.names()) {
      const versions = await registry.versions(model);
      const labels = (await registry.labels(model))?.labels ?? {};
      const live = versions.filter(({ state }) => state === 'ready' || state === 'plain');
      const newest = live[0] ?? null;
      if (flags.json === true) printJson({ name: model, versions: live.length, labels, newest });
      else {
        const named = Object.entries(labels).map(([label, version]) => `${label}: ${version}`);
        rows.push([model, sayCount(live.length), named.join(', '), newest === null ? '' : sayVersion(newest)]);
      }
    }
    if (flags.json === true) return 0;
    if (rows.length > 0) printTable(['name', 'versions', 'labels', 'newest'], shownCells(rows), process.stdout, [1]);
    else process.stdout.write(`There is no model in ${registry.uri}.\n`);
    return 0;
  });
}

async function listVersions(registry: RegistryReader, name: string, isJson: boolean): Promise<number> {
  const versions = await registry.versions(name);
  if (versions.length === 0) throw noModel(registry, name);
  if (isJson) {
    for (const version of versions) printJson(version);
    return 0;
  }
  const rows = versions.map((one) => [
    String(one.version),
    one.state,
    one.labels.join(', '),
    one.digest?.slice(0, 12) ?? '',
    one.record?.createdAt.slice(0, 19) ?? '',
    one.record?.createdBy ?? '',
    one.tombstone === null ? (one.record?.note ?? '') : `deleted by ${one.tombstone.by}: ${one.tombstone.reason}`,
  ]);
  printTable(['version', 'state', 'labels', 'sha256', 'added', 'by', 'note'], shownCells(rows), process.stdout, [0]);
  return 0;
}

/** The refusal of a name that has nothing. */
export function noModel(registry: RegistryReader, name: string): PrescoreError {
  return new PrescoreError('REGISTRY_UNKNOWN', { what: `there is no model ${name}`, where: registry.uri });
}

function sayVersion({ version, record }: ListedVersion): string {
  return record === null ? `${version}` : `${version}, added ${record.createdAt.slice(0, 19)} by ${record.createdBy}`;
}
