import { PrescoreError } from '../errors/prescore-error.ts';
import type { LabelRecord, ModelRef } from './registry.ts';

/** Names of models, as of a model folder. */
export const MODEL_NAME = /^[A-Za-z0-9_][A-Za-z0-9._+-]{0,127}$/;
/** Environment variable: where the registry is that no flag and no file names. */
export const REGISTRY_VARIABLE = 'PRESCORE_REGISTRY';
/** Free names that are no version number. */
export const LABEL_NAME = /^[A-Za-z][A-Za-z0-9._-]{0,63}$/;
/** Versions of a registry: 1, 2, 3 … */
export const VERSION_NUMBER = /^[1-9][0-9]{0,8}$/;

/** What is wrong with the name of a label; null when nothing is. `latest` would name whatever was added last: nobody decided on it. */
export function labelProblem(label: string): string | null {
  if (label.toLowerCase() === 'latest') return 'may not be latest: whatever was added last would be served unseen';
  return LABEL_NAME.test(label)
    ? null
    : 'must be a letter, then letters, digits, dots, dashes or underscores, 64 at most';
}

/** Errors: USAGE. */
export function requireModelName(name: string): void {
  if (MODEL_NAME.test(name)) return;
  const expected = 'a letter, digit or underscore, then letters, digits, and . _ + -, 128 at most';
  throw new PrescoreError('USAGE', { what: 'the name of the model cannot be', expected, got: JSON.stringify(name) });
}

/** Errors: USAGE. */
export function requireLabel(label: string): void {
  const problem = labelProblem(label);
  if (problem !== null) throw new PrescoreError('USAGE', { what: `the label ${problem}`, got: JSON.stringify(label) });
}

/** The version that a label names after a move; null where it names none, or nothing was ever moved. */
export function labelOf(link: LabelRecord | null | undefined, label: string): number | null {
  return link != null && Object.hasOwn(link.labels, label) ? (link.labels[label] ?? null) : null;
}

/**
 * Reads `name@label`, `name/version` or `name@sha256:<64 hex digits>`; what is wrong with the text as a short sentence otherwise.
 *
 * Errors: none.
 */
export function parseModelRef(text: string): ModelRef | string {
  const cut = text.search(/[@/]/);
  const name = cut === -1 ? text : text.slice(0, cut);
  if (!MODEL_NAME.test(name)) return 'does not begin with the name of a model';
  if (cut === -1) return `names no version: write ${name}@<label>, ${name}/<version> or ${name}@sha256:<digest>`;
  const rest = text.slice(cut + 1);
  if (text[cut] === '/') {
    return VERSION_NUMBER.test(rest)
      ? { name, by: 'version', version: Number(rest) }
      : 'has no version number after the slash';
  }
  if (rest.startsWith('sha256:')) {
    const digest = rest.slice('sha256:'.length).toLowerCase();
    return /^[0-9a-f]{64}$/.test(digest) ? { name, by: 'digest', digest } : 'has no 64 hex digits after sha256:';
  }
  const problem = labelProblem(rest);
  return problem === null ? { name, by: 'label', label: rest } : `has a label that ${problem}`;
}

/** The text that `parseModelRef` reads. */
export function sayModelRef(ref: ModelRef): string {
  if (ref.by === 'label') return `${ref.name}@${ref.label}`;
  return ref.by === 'version' ? `${ref.name}/${ref.version}` : `${ref.name}@sha256:${ref.digest}`;
}
