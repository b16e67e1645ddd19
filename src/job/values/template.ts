/** The only placeholder. Nothing else is ever expanded: not `${…}`, not `{{…}}`, not the environment. */
export const PARTITION_PLACEHOLDER = '{partition}';

/** What is wrong with the braces of a URI, as a short sentence; null when nothing is. */
export function templateProblem(text: string, isAllowed: boolean): string | null {
  const rest = text.replaceAll(PARTITION_PLACEHOLDER, '');
  if (/[{}]/.test(rest)) return 'holds a template; only {partition} is known and nothing else is expanded';
  if (!isAllowed && rest !== text) return 'must not hold {partition}';
  return /^[a-z][a-z0-9+.-]*:\/\/[^/]*\{partition\}/i.test(text)
    ? 'has {partition} in the name of its bucket or host'
    : null;
}

export function hasPlaceholder(template: string): boolean {
  return template.includes(PARTITION_PLACEHOLDER);
}

/** Puts a partition value into a URI template, as it is. An unpartitioned job (null) has nothing to put in. Errors: none. */
export function expandTemplate(template: string, partition: string | null): string {
  return partition === null ? template : template.replaceAll(PARTITION_PLACEHOLDER, () => partition);
}
