import { MODEL_NAME, VERSION_NUMBER } from '../../base/contract/model-ref.ts';
import type { ModelLineage } from '../../base/contract/registry.ts';
import { LINEAGE_SHAPE, type LineageFile } from '../fields/lineage-fields.ts';
import { parseInstant } from '../values/instant.ts';
import { checkShape } from './check-shape.ts';
import { type FileFormat, type ParseOptions, parseFile } from './parse-file.ts';

const LINEAGE_FORMAT: FileFormat<LineageFile, LineageFile> = {
  says: 'lineage file',
  check: (tree, context) => checkShape(LINEAGE_SHAPE, tree, [], context),
  versionKey: 'prescore-lineage',
  version: 1,
  compile: (file) => file,
  lint: ({ trainedAt, metrics, parent }, tree, issues) => {
    if (trainedAt !== null && parseInstant(trainedAt) === null)
      issues.add(tree.at, ['trainedAt'], { what: 'is no time', expected: 'such as 2026-11-29T03:00:00Z' });
    for (const [name, value] of Object.entries(metrics))
      if (typeof value !== 'number') issues.add(tree.at, ['metrics', name], { what: 'is no number' });
    const [name = '', version = ''] = parent?.split('/') ?? [];
    if (parent !== null && !(MODEL_NAME.test(name) && VERSION_NUMBER.test(version)))
      issues.add(tree.at, ['parent'], { what: 'is no version', expected: 'NAME/VERSION' });
  },
};

/** Reads a lineage file (YAML or JSON); what it does not say is null. Errors: those of `parseFile`. Repeat: safe. */
export function parseLineage(text: string, options: ParseOptions): ModelLineage {
  const file = parseFile(text, LINEAGE_FORMAT, options);
  const params = Object.entries(file.params).map(([key, value]) => {
    const said = typeof value === 'object' ? JSON.stringify(value) : String(value);
    return [key, said] as const;
  });
  const metrics = Object.entries(file.metrics).map(([key, value]) => [key, Number(value)] as const);
  const { trainedAt, dataset, code, parent } = file;
  return {
    trainedAt,
    dataset,
    params: Object.fromEntries(params),
    metrics: Object.fromEntries(metrics),
    code,
    source: null,
    parent,
  };
}
