import type { LabelRecord, ListedVersion, RegistryReader } from '../../base/contract/registry.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { printJson } from '../output/print-json.ts';
import { printTable } from '../output/print-table.ts';
import { printRows } from '../output/say-model.ts';
import { noModel } from './models-list.ts';
import { type RegistryFlags, readRef, withRegistry } from './registry-place.ts';
import { shownCells, versionRows } from './say-version.ts';

/** `prescore models show NAME[@LABEL|/VERSION]`: what a version is and where it comes from; the newest of a name. */
export async function modelsShow(target: string, flags: RegistryFlags): Promise<number> {
  return withRegistry(flags, [], async (registry) => {
    const { one, uri } = await findShown(registry, target);
    if (flags.json === true) printJson({ event: 'model-version', uri, ...one });
    else printRows([...versionRows(one, uri)], process.stdout);
    return 0;
  });
}

async function findShown(registry: RegistryReader, target: string): Promise<{ one: ListedVersion; uri: string }> {
  if (/[@/]/.test(target)) {
    const ref = readRef(target);
    const versions = await registry.versions(ref.name);
    // One that was deleted cannot be resolved, and can be looked at.
    const own = ref.by === 'version' ? versions.find(({ version }) => version === ref.version) : undefined;
    if (own !== undefined && own.state !== 'ready')
      return { one: own, uri: `${registry.uri}${ref.name}/${own.version}` };
    const { version } = await registry.resolve(ref);
    const one = versions.find((v) => v.version === version);
    if (one !== undefined) return { one, uri: `${registry.uri}${ref.name}/${version}` };
    throw new PrescoreError('REGISTRY_UNKNOWN', { what: `there is no version ${version} any more`, where: target });
  }
  const versions = await registry.versions(target);
  const one = versions.find(({ state }) => state === 'ready' || state === 'plain') ?? versions[0];
  if (one === undefined) throw noModel(registry, target);
  return { one, uri: `${registry.uri}${target}/${one.version}` };
}

/** `prescore models history NAME`: every move of a label and every deletion, newest first, the chain checked. */
export async function modelsHistory(name: string, flags: RegistryFlags): Promise<number> {
  return withRegistry(flags, [], async (registry) => {
    const chain = await registry.history(name);
    if (flags.json === true) for (const link of chain) printJson(link);
    else if (chain.length === 0) {
      if ((await registry.versions(name)).length === 0) throw noModel(registry, name);
      process.stdout.write(`${name} never had a label.\n`);
    } else {
      const rows = chain.map((link, i) => [
        String(link.n),
        link.at.slice(0, 19),
        sayMove(link, chain[i - 1]),
        link.by,
        link.reason,
      ]);
      printTable(['move', 'at', 'what', 'by', 'reason'], shownCells(rows.reverse()), process.stdout, [0]);
      process.stdout.write(`\n${chain.length} of ${chain.length} records follow from the one before.\n`);
    }
    return 0;
  });
}

function sayMove(link: LabelRecord, before: LabelRecord | undefined): string {
  const [now, was] = [new Map(Object.entries(link.labels)), new Map(Object.entries(before?.labels ?? {}))];
  const moved = [...now].filter(([label, version]) => was.get(label) !== version);
  const says = moved.map(([label, version]) => `${label}: ${was.has(label) ? `${was.get(label)} -> ` : ''}${version}`);
  const gone = [...was.keys()].filter((label) => !now.has(label)).map((label) => `${label}: taken away`);
  const deleted = link.removed.filter((version) => before?.removed.includes(version) !== true);
  return [...says, ...gone, ...(deleted.length === 0 ? [] : [`deleted ${deleted.join(', ')}`])].join('; ');
}
