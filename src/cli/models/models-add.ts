import { requireLabel } from '../../base/contract/model-ref.ts';
import { type LabelRecord, NO_LINEAGE } from '../../base/contract/registry.ts';
import { oneLine } from '../../base/errors/prescore-error.ts';
import { loadLineage } from '../load/load-lineage.ts';
import { printJson } from '../output/print-json.ts';
import { addFiles } from '../wiring/new-version.ts';
import { whoAmI } from '../wiring/open-registry.ts';
import { type RegistryFlags, withRegistry, withTools } from './registry-place.ts';

export interface AddFlags extends RegistryFlags {
  readonly label?: readonly string[];
  readonly lineage?: string;
  readonly note?: string;
  readonly by?: string;
  readonly reason?: string;
  readonly unchecked?: boolean;
}

/** `prescore models add NAME FILE…`: a version of these files, or the one that is there. */
export async function modelsAdd(name: string, files: readonly string[], flags: AddFlags): Promise<number> {
  const wished = flags.label ?? [];
  for (const label of wished) requireLabel(label);
  const by = whoAmI(flags.by);
  const said = flags.lineage === undefined ? NO_LINEAGE : loadLineage(flags.lineage);
  return withRegistry(flags, files, async (registry, stores) => {
    const source = { kind: 'file', uri: stores.at(files[0]!).uri, runId: null, version: null } as const;
    const wanted = {
      name,
      files,
      lineage: { ...said, source },
      by,
      note: flags.note ?? null,
      isChecked: flags.unchecked !== true,
    };
    const { record, isNew } = await withTools(stores, (tools) => addFiles(registry, wanted, tools));
    const { version, digest } = record;
    const moves: LabelRecord[] = [];
    for (const label of wished) {
      const reason = flags.reason ?? flags.note ?? 'models add';
      moves.push(await registry.move({ name, label, version, by, reason, evidence: [] }));
    }
    if (flags.json === true)
      printJson({ event: 'model-added', isNew, ...record, labels: moves.at(-1)?.labels ?? null });
    else {
      const what = isNew
        ? 'is new'
        : `was there since ${oneLine(record.createdAt).slice(0, 19)}; its record stays as it is`;
      process.stdout.write(`${name}/${version} ${what}: sha256 ${digest}\n`);
      for (const label of wished) process.stdout.write(`${name}@${label} names version ${version}\n`);
    }
    return 0;
  });
}
