/**
 * The elements of a list that is written as a text, such as `[1, null, nan]`: texts, or null. Null when it is no list. Lists of
 * features hold numbers and flags only, so no element has a comma of its own.
 */
export function listReader(text: string): (string | null)[] | null {
  const trimmed = text.trim();
  if (!trimmed.startsWith('[') || !trimmed.endsWith(']')) return null;
  const inner = trimmed.slice(1, -1).trim();
  if (inner === '') return [];
  return inner.split(',').map((part) => {
    const element = part.trim();
    return element === '' || element.toLowerCase() === 'null' ? null : element;
  });
}
