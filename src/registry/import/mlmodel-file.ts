import { isPrescoreError, PrescoreError } from '../../base/errors/prescore-error.ts';
import { IssueList } from '../../job/tree/issues.ts';
import { readTree } from '../../job/tree/read-tree.ts';
import type { SpecMap, SpecNode } from '../../job/tree/tree.ts';
import type { DeclaredSignature } from './foreign-model.ts';
import { mlmodelSignature } from './mlmodel-signature.ts';
import { refused } from './refusals.ts';

/** The file that makes a folder a model of MLflow. */
export const MLMODEL = 'MLmodel';
export const MOST_MLMODEL = 1024 * 1024;

/** What an MLmodel file says. */
export interface MlmodelFile {
  /** Flavour -> its plain values. */
  readonly flavours: ReadonlyMap<string, ReadonlyMap<string, string>>;
  readonly signature: DeclaredSignature | null;
  readonly runId: string | null;
  /** ISO, UTC. */
  readonly createdAt: string | null;
}

/**
 * Reads an MLmodel file: YAML, of which nothing is built but plain values.
 *
 * Errors: IMPORT_REFUSED.
 */
export function readMlmodel(text: string, where: string): MlmodelFile {
  const root = treeOf(text, where);
  const flavours = new Map<string, ReadonlyMap<string, string>>();
  for (const [name, { value }] of mapOf(root, 'flavors')?.entries ?? []) flavours.set(name, plainValues(value));
  if (flavours.size === 0) throw refused('the MLmodel file names no flavour', where);
  const signature = mapOf(root, 'signature');
  const written = signature === null ? new Map<string, string>() : plainValues(signature);
  const values = plainValues(root);
  return {
    flavours,
    signature: mlmodelSignature(written.get('inputs') ?? null, written.get('outputs') ?? null),
    runId: values.get('run_id') ?? null,
    createdAt: timeOf(values.get('utc_time_created') ?? null),
  };
}

function treeOf(text: string, where: string): SpecMap {
  // What it finds is of no matter here: only keys that are known are looked at.
  const issues = new IssueList();
  try {
    const root = readTree(text, where, issues);
    if (root.kind === 'map') return root;
  } catch (error) {
    if (!isPrescoreError(error)) throw error;
    throw new PrescoreError('IMPORT_REFUSED', {
      what: `the MLmodel file cannot be read: ${error.details.what}`,
      where: error.details.where ?? where,
      cause: error,
      fix: 'Log or save the model anew.',
    });
  }
  throw refused('the MLmodel file is not what MLflow writes', where, 'Log or save the model anew.');
}

function mapOf(root: SpecMap, key: string): SpecMap | null {
  const node = root.entries.get(key)?.value;
  return node?.kind === 'map' ? node : null;
}

function plainValues(node: SpecNode): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  if (node.kind !== 'map') return found;
  for (const [key, { value }] of node.entries) {
    if (value.kind === 'scalar' && value.value !== null) found.set(key, String(value.value));
  }
  return found;
}

function timeOf(text: string | null): string | null {
  const at = Date.parse(`${(text ?? '').replace(' ', 'T').replace(/(\.\d{3})\d+$/, '$1')}Z`);
  return Number.isNaN(at) ? null : new Date(at).toISOString();
}
