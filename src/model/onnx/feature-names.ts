/** Keys of a model's metadata under which tools and people keep the names of its features, in the order of the one input. */
const KEYS = [
  'feature_names',
  'feature_names_in_',
  'featureNames',
  'features',
  'feature_columns',
  'input_features',
  'input_columns',
  'columns',
];
const MOST_NAMES = 10_000;

/**
 * The names of the features that a model's metadata gives: a JSON list, a Python list or names between commas. Null when there are
 * none, or one stands twice.
 *
 * Errors: none.
 */
export function featureNamesOf(metadata: ReadonlyMap<string, string>): readonly string[] | null {
  const text = KEYS.map((key) => metadata.get(key)).find((value) => value !== undefined && value.trim() !== '');
  const names = text === undefined ? null : listOf(text.trim());
  const isUsable = names !== null && names.length <= MOST_NAMES && names.every((name) => name !== '');
  return isUsable && new Set(names).size === names.length ? names : null;
}

function listOf(text: string): readonly string[] | null {
  if (!text.startsWith('[') && !text.startsWith('(')) return text.split(',').map((name) => name.trim());
  try {
    const parsed: unknown = JSON.parse(text);
    return Array.isArray(parsed) && parsed.every((name) => typeof name === 'string') ? parsed : null;
  } catch {
    return pythonList(text.slice(1, -1));
  }
}

// `'age', "income", 'a\'b'`: what str() of a Python list of texts gives.
function pythonList(text: string): readonly string[] | null {
  const item = /\s*(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")\s*(?:,|$)/y;
  const names: string[] = [];
  while (item.lastIndex < text.length) {
    const found = item.exec(text);
    if (found === null) return null;
    names.push((found[1] ?? found[2] ?? '').replace(/\\(.)/g, '$1'));
  }
  return names;
}
