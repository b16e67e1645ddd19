import { requireLabel, requireModelName } from '../../base/contract/model-ref.ts';
import { NO_LINEAGE, type RegistryWriter } from '../../base/contract/registry.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { printJson } from '../output/print-json.ts';
import { foreignModels, placeOfSource } from '../wiring/foreign-source.ts';
import { type Imported, type ImportWish, importModel, sayContradiction } from '../wiring/import-model.ts';
import { addFiles, type VersionTools } from '../wiring/new-version.ts';
import { whoAmI } from '../wiring/open-registry.ts';
import { type RegistryFlags, withRegistry, withTools } from './registry-place.ts';

export interface ImportFlags extends RegistryFlags {
  readonly tracking?: string;
  readonly label?: readonly string[];
  readonly reason?: string;
  readonly note?: string;
  readonly by?: string;
}

/** `prescore models import SOURCE [NAME]`: copies a model of another tool, with what is known of where it comes from. */
export async function modelsImport(source: string, name: string | undefined, flags: ImportFlags): Promise<number> {
  const labels = flags.label ?? [];
  for (const label of labels) requireLabel(label);
  if (name !== undefined) requireModelName(name);
  const by = whoAmI(flags.by);
  const wish = { name: name ?? null, by, note: flags.note ?? null };
  const place = placeOfSource(source);
  return withRegistry(flags, place === null ? [] : [place], async (registry, stores) =>
    withTools(stores, async (tools) => {
      const tracking = flags.tracking === undefined ? {} : { tracking: flags.tracking };
      const models = await foreignModels(source, { stores, scratchDir: tools.scratchDir, ...tracking });
      const all: Imported[] = [];
      if (models === null) all.push(await plainFile(registry, source, wish, tools));
      for await (const model of models ?? []) {
        const imported = await importModel(registry, model, wish, tools);
        if (flags.json !== true) sayImported(imported, source);
        all.push(imported);
      }
      const last = all.at(-1);
      if (last === undefined) return 0;
      for (const label of labels) {
        const { name: of, version } = last.record;
        await registry.move({
          name: of,
          label,
          version,
          by,
          reason: flags.reason ?? `imported from ${source}`,
          evidence: [],
        });
      }
      if (flags.json === true) {
        for (const { record, isNew, contradictions } of all)
          printJson({ event: 'model-imported', isNew, ...record, contradictions });
      } else {
        if (models === null) sayImported(last, source);
        for (const label of labels)
          process.stdout.write(`${last.record.name}@${label} names version ${last.record.version}\n`);
      }
      return 0;
    }),
  );
}

/** Says what became of a model, and where it is not what the other tool says. */
export function sayImported({ record, isNew, contradictions, declaredBy }: Imported, source: string): void {
  const { name, version, digest, createdAt } = record;
  const what = isNew
    ? `is new, from ${source}`
    : `was there since ${createdAt.slice(0, 19)}; its record stays as it is`;
  process.stdout.write(`${name}/${version} ${what}: sha256 ${digest}\n`);
  for (const one of contradictions)
    process.stderr.write(`${sayContradiction(declaredBy ?? 'the tool', one)}; the file counts\n`);
}

async function plainFile(
  registry: RegistryWriter,
  uri: string,
  wish: ImportWish,
  tools: VersionTools,
): Promise<Imported> {
  const { name } = wish;
  if (name === null) {
    throw new PrescoreError('USAGE', {
      what: 'nothing says what the model is called',
      fix: 'Give the name behind the file: prescore models import FILE NAME.',
    });
  }
  const source = { kind: 'file', uri: tools.stores.at(uri).uri, runId: null, version: null } as const;
  const wanted = { ...wish, name, files: [uri], lineage: { ...NO_LINEAGE, source }, isChecked: true };
  return { ...(await addFiles(registry, wanted, tools)), contradictions: [], declaredBy: null };
}
