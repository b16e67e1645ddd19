/** The only placeholder. Nothing else is ever expanded: not `${…}`, not `{{…}}`, not the environment. */
export const PARTITION_PLACEHOLDER = '{partition}';
/** A folder that is called like the placeholder, as `literalTemplate` writes it; nobody can write it in a file. */
const LITERAL = '{{partition}}';
const EITHER = /\{\{partition\}\}|\{partition\}/g;

/** What is wrong with the braces of a URI, as a short sentence; null when nothing is. */
export function templateProblem(text: string, isAllowed: boolean): string | null {
  const rest = text.replaceAll(PARTITION_PLACEHOLDER, '');
  if (/[{}]/.test(rest)) return 'holds a template; only {partition} is known and nothing else is expanded';
  if (!isAllowed && rest !== text) return 'must not hold {partition}';
  return /^[a-z][a-z0-9+.-]*:\/\/[^/]*\{partition\}/i.test(text)
    ? 'has {partition} in the name of its bucket or host'
    : null;
}

/** A path as a template without placeholders. Errors: none. */
export function literalTemplate(path: string): string {
  return path.replaceAll(PARTITION_PLACEHOLDER, LITERAL);
}

export function hasPlaceholder(template: string): boolean {
  return placeholderAt(template) !== -1;
}

/** Where the first placeholder begins; -1 when there is none. */
export function placeholderAt(template: string): number {
  for (const match of template.matchAll(EITHER)) if (match[0] !== LITERAL) return match.index;
  return -1;
}

/**
 * Puts a partition value into a URI template, as it is: no value has a sign of a pattern (`partition` in text-rules.ts). An unpartitioned job
 * (null) has nothing to put in. Errors: none.
 */
export function expandTemplate(template: string, partition: string | null): string {
  return template.replace(EITHER, (found) =>
    found === LITERAL || partition === null ? PARTITION_PLACEHOLDER : partition,
  );
}
