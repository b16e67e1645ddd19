import type { RefuseModel } from './refuse-model.ts';
import { shorten, type TextLines, type TextValue, wholeNumber } from './text-lines.ts';

/** What a LightGBM file says before its trees. */
export interface LightGbmHeader {
  readonly features: number;
  readonly featureNames: readonly string[];
  /** Features whose info is a list of categories. */
  readonly listed: readonly number[];
  /** What was seen of a feature: its categories, its range, or `none`. */
  readonly infos: readonly string[];
  readonly classes: number;
  readonly treesPerRound: number;
  /** Trees that the file announces; null in files that do not. */
  readonly trees: number | null;
  readonly objective: TextValue;
  readonly isAverage: boolean;
}

const VERSIONS = /^v[234]$/;

/** Reads up to the line of the first tree, or up to the end of the trees of a model without one. Errors: MODEL_INVALID. */
export function lightGbmHeader(lines: TextLines, refuse: RefuseModel): LightGbmHeader {
  const values = new Map<string, TextValue>();
  for (let line = lines.next(); ; line = lines.next()) {
    if (line === null) refuse('the file ends before its first tree', lines.place);
    if (line.startsWith('Tree=') || line === 'end of trees') break;
    if (line === '') continue;
    const at = line.indexOf('=');
    values.set(at < 0 ? line : line.slice(0, at), { value: at < 0 ? '' : line.slice(at + 1), place: lines.place });
  }
  const value = (name: string): TextValue =>
    values.get(name) ?? refuse(`the file has no ${name} before its trees`, lines.place);
  const version = value('version');
  if (!VERSIONS.test(version.value))
    refuse('the file is of another version of the format', version.place, {
      expected: 'v2, v3 or v4',
      got: shorten(version.value),
    });
  const features = 1 + counted('max_feature_idx', value('max_feature_idx'), 0, refuse);
  const classes = counted('num_class', value('num_class'), 1, refuse);
  const perRound = values.get('num_tree_per_iteration');
  const infos = listOf('feature_infos', value('feature_infos'), features, refuse);
  const sizes = values.get('tree_sizes');
  return {
    features,
    featureNames: listOf('feature_names', value('feature_names'), features, refuse),
    infos,
    listed: infos.flatMap((info, feature) => (/^-?\d+(:-?\d+)*$/.test(info) ? [feature] : [])),
    classes,
    treesPerRound: perRound === undefined ? classes : counted('num_tree_per_iteration', perRound, 1, refuse),
    trees: sizes === undefined ? null : sizes.value.split(' ').filter((size) => size !== '').length,
    objective: values.get('objective') ?? { value: '', place: '' },
    isAverage: values.has('average_output'),
  };
}

function counted(name: string, text: TextValue, least: number, refuse: RefuseModel): number {
  const count = wholeNumber(name, text, refuse);
  if (count < least) refuse(`${name} is too small`, text.place, { expected: `at least ${least}`, got: String(count) });
  return count;
}

function listOf(name: string, { value, place }: TextValue, count: number, refuse: RefuseModel): string[] {
  const found = value.split(' ').filter((word) => word !== '');
  if (found.length !== count)
    refuse(`${name} does not name every feature`, place, { expected: String(count), got: String(found.length) });
  return found;
}
