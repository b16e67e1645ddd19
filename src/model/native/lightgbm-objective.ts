import type { NativeTransform } from './native-model.ts';
import type { RefuseModel } from './refuse-model.ts';
import { shorten, type TextValue } from './text-lines.ts';

interface Objective {
  readonly transform: NativeTransform;
  readonly classes: number;
  /** Trees a round, each the score of one class. */
  readonly scores: number;
}

const IDENTITY: NativeTransform = { kind: 'identity' };
const EXP: NativeTransform = { kind: 'exp' };
const SIGNED_SQUARE: NativeTransform = { kind: 'signedSquare' };

/** Losses of a value; `sqrt` behind them squares the answer. */
const VALUES = /^(regression|regression_l1|huber|fair|quantile|mape)$/;
const EXPONENTIALS = /^(poisson|gamma|tweedie)$/;
const RANKINGS = /^(lambdarank|rank_xendcg)$/;

/** What LightGBM's `ConvertOutput` does for the objective of a file; without one, scores are answers. Errors: MODEL_INVALID. */
export function lightGbmObjective({ value, place }: TextValue, scores: number, refuse: RefuseModel): Objective {
  const [name = '', ...words] = value.split(' ').filter((word) => word !== '');
  const number = (key: string, missing: number): number => {
    const text = words.find((word) => word.startsWith(`${key}:`))?.slice(key.length + 1);
    const found = text === undefined ? missing : Number(text);
    if (text === '' || !(found > 0 && Number.isFinite(found)))
      refuse(`the objective has no ${key} above zero`, place, { got: shorten(value) });
    return found;
  };
  const one = (transform: NativeTransform, classes: number): Objective => ({ transform, classes, scores: 1 });
  if (name === 'binary') return one({ kind: 'sigmoid', slope: number('sigmoid', 1) }, 2);
  if (name === 'multiclass' || name === 'multiclassova') {
    const classes = number('num_class', Number.NaN);
    return name === 'multiclass'
      ? { transform: { kind: 'softmax' }, classes, scores: classes }
      : { transform: { kind: 'sigmoid', slope: number('sigmoid', 1) }, classes, scores: classes };
  }
  if (name === 'cross_entropy') return one({ kind: 'sigmoid', slope: 1 }, 0);
  if (name === 'cross_entropy_lambda') return one({ kind: 'log1pExp' }, 0);
  if (VALUES.test(name)) return one(words.includes('sqrt') ? SIGNED_SQUARE : IDENTITY, 0);
  if (EXPONENTIALS.test(name)) return one(EXP, 0);
  if (RANKINGS.test(name)) return one(IDENTITY, 0);
  if (name === '' || name === 'custom' || name === 'none') return { transform: IDENTITY, classes: 0, scores };
  return refuse(`the objective ${shorten(name)} is not known`, place);
}
