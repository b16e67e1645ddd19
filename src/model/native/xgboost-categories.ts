import type { Part } from './model-json.ts';
import type { CategoryValue, FeatureCategories } from './native-model.ts';

/** Before this version the texts of pandas categories were cut by their characters, not by their bytes. */
const BYTES_FROM = 3.4;

/** Categories of tables that the model was trained on (3.1 and later), by feature. Errors: MODEL_INVALID. */
export function xgboostCategories(model: Part, features: number, version: number): FeatureCategories[] {
  if (!model.has('cats') || !model.at('cats').has('enc')) return [];
  const lists = model.at('cats').at('enc').list;
  if (lists.length !== 0 && lists.length !== features)
    model.at('cats').fail(`it has ${lists.length} lists for ${features} features`);
  return lists
    .map((list, feature) => ({ feature, values: list.has('offsets') ? textsOf(list, version) : numbersOf(list) }))
    .filter(({ values }) => values.length > 0);
}

/** Texts one behind the other in UTF-8, and where each begins and the last ends. */
function textsOf(list: Part, version: number): CategoryValue[] {
  const signed = list.at('values').wholes(-128, 255);
  const bytes = Uint8Array.from({ length: signed.length }, (_, i) => signed[i]! & 0xff);
  if (version < BYTES_FROM && bytes.some((byte) => byte > 127))
    list.fail(
      'it has categories beyond ASCII, which XGBoost of before 3.4 cuts in wrong places when it saves them',
      'Train it with XGBoost 3.4 or later, or with categories of plain letters.',
    );
  const offsets = list.at('offsets').wholes(0, bytes.length);
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const texts: string[] = [];
  for (let i = 1; i < offsets.length; i++) {
    if (offsets[i]! < offsets[i - 1]!) list.at('offsets').fail('texts do not follow each other');
    try {
      texts.push(decoder.decode(bytes.subarray(offsets[i - 1], offsets[i])));
    } catch {
      list.at('values').fail('a category is no UTF-8 text');
    }
  }
  return texts;
}

function numbersOf(list: Part): CategoryValue[] {
  return list.has('values') ? Array.from(list.at('values').numbers()) : [];
}
