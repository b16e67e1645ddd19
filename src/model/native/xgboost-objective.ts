import { logFloat } from './log-float.ts';
import type { Part } from './model-json.ts';
import type { NativeTransform } from './native-model.ts';
import { shorten } from './text-lines.ts';

interface Objective {
  readonly transform: NativeTransform;
  /** How a base score, given as an answer, becomes a margin. */
  readonly link: 'none' | 'logit' | 'log';
  readonly answers: 'value' | 'two classes' | 'classes';
}

const value = (transform: NativeTransform, link: Objective['link'] = 'none'): Objective => ({
  transform,
  link,
  answers: 'value',
});
const IDENTITY = value({ kind: 'identity' });
const EXPONENTIAL = value({ kind: 'exp' }, 'log');
const SIGMOID: NativeTransform = { kind: 'sigmoid', slope: 1 };
const SOFTMAX: Objective = { transform: { kind: 'softmax' }, link: 'none', answers: 'classes' };

/** src/objective: PredTransform and ProbToMargin of each. */
const OBJECTIVES: Readonly<Record<string, Objective>> = {
  'reg:squarederror': IDENTITY,
  'reg:linear': IDENTITY,
  'reg:squaredlogerror': IDENTITY,
  'reg:pseudohubererror': IDENTITY,
  'reg:absoluteerror': IDENTITY,
  'reg:quantileerror': IDENTITY,
  'reg:expectileerror': IDENTITY,
  'reg:logistic': value(SIGMOID, 'logit'),
  'reg:gamma': EXPONENTIAL,
  'reg:tweedie': EXPONENTIAL,
  'count:poisson': EXPONENTIAL,
  'survival:cox': EXPONENTIAL,
  'survival:aft': EXPONENTIAL,
  'binary:logistic': { transform: SIGMOID, link: 'logit', answers: 'two classes' },
  'binary:logitraw': IDENTITY,
  'binary:hinge': value({ kind: 'step' }),
  'multi:softmax': SOFTMAX,
  'multi:softprob': SOFTMAX,
  'rank:pairwise': IDENTITY,
  'rank:ndcg': IDENTITY,
  'rank:map': IDENTITY,
};

/** The objective of a file. Errors: MODEL_INVALID for one that is not known. */
export function xgboostObjective(learner: Part): Objective & { readonly name: string } {
  const part = learner.at('objective').at('name');
  const name = part.text;
  const found = Object.hasOwn(OBJECTIVES, name) ? OBJECTIVES[name] : undefined;
  return { ...(found ?? part.fail(`the objective ${shorten(name)} is not known`)), name };
}

const LEAST_NORMAL = 2 ** -126;
const LEAST_SHARE = Math.fround(1e-6);
/** From this version on shares of zero and one are moved inwards. */
const CLAMPS_FROM = 3.2;

/**
 * Margins that sums begin with, one per target: a base score is one number or a list of them (3.1 and later), in text, and of some
 * objectives given as an answer. In float32, as XGBoost computes it. Errors: MODEL_INVALID.
 */
export function baseMargins(part: Part, targets: number, link: Objective['link'], version: number): Float64Array {
  const scores = baseScores(part);
  if (scores.length !== 1 && scores.length !== targets)
    part.fail(`it has ${scores.length} values for ${targets} raw scores`);
  return Float64Array.from({ length: targets }, (_, i) =>
    marginOf(Math.fround(scores[i % scores.length]!), link, version, part),
  );
}

function baseScores(part: Part): number[] {
  const texts = part.text.trim().replace(/^\[(.*)\]$/s, '$1');
  return texts.split(',').map((text) => {
    const number = /^\s*[-+]?[\d.]+([eE][-+]?\d+)?\s*$/.test(text) ? Number(text) : Number.NaN;
    return Number.isFinite(Math.fround(number)) ? number : part.fail('it is no number');
  });
}

function marginOf(score: number, link: Objective['link'], version: number, part: Part): number {
  if (link === 'none') return score;
  if (link === 'log') return score >= LEAST_NORMAL ? logFloat(score) : part.fail('it is not above zero');
  const share = version < CLAMPS_FROM ? score : Math.min(Math.max(score, LEAST_SHARE), Math.fround(1 - LEAST_SHARE));
  if (!(share >= LEAST_NORMAL && share < 1)) part.fail('it is not between zero and one');
  const odds = Math.fround(Math.fround(1 / share) - 1);
  return -logFloat(odds);
}
