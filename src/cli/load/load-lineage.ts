import type { ModelLineage } from '../../base/contract/registry.ts';
import { parseLineage } from '../../job/parse/parse-lineage.ts';
import { readSpec } from './read-spec.ts';

/** Reads a file of --lineage. Errors: SPEC_*. */
export function loadLineage(path: string): ModelLineage {
  return parseLineage(...readSpec(path, 'lineage file'));
}
