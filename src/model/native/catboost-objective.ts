import type { Part } from './model-json.ts';
import type { CategoryValue, NativeModel, NativeTransform } from './native-model.ts';
import { shorten } from './text-lines.ts';

const SIGMOID: NativeTransform = { kind: 'sigmoid', slope: 1 };

/** Losses whose `predict` answers with raw scores. */
const RAW =
  /^(RMSE|MAE|Quantile|MultiQuantile|LogLinQuantile|MAPE|Lq|Huber|Expectile|LogCosh|NumErrors|MultiRMSE|MultiRMSEWithMissingValues|Cox|SurvivalAft|QueryRMSE|GroupQuantile|QuerySoftMax|QueryCrossEntropy|PairLogit|PairLogitPairwise|YetiRank|YetiRankPairwise|StochasticRank|StochasticFilter|LambdaMart|UserPerObjMetric|UserQuerywiseMetric|PythonUserDefinedPerObject|PythonUserDefinedMultiTarget)$/;
const BINARY = /^(Logloss|CrossEntropy|Focal)$/;

/** What CatBoost makes of raw scores, by the loss that the model was trained with. Errors: MODEL_INVALID for one that is not known. */
export function catboostObjective(file: Part, targets: number): Pick<NativeModel, 'objective' | 'outputs' | 'classes'> {
  const info = file.at('model_info');
  const loss = lossOf(info);
  const outputs = (transform: NativeTransform, classes: number) =>
    ({ average: 1, transform, arithmetic: 'float64', classes }) as const;
  const names = classesOf(info);
  const objective = loss.text;
  if (BINARY.test(objective) && targets === 1)
    return { objective, outputs: { ...outputs(SIGMOID, 2), border: borderOf(info) }, classes: names(2) };
  if (objective === 'MultiClass')
    return { objective, outputs: outputs({ kind: 'softmax' }, targets), classes: names(targets) };
  if (objective === 'MultiClassOneVsAll')
    return { objective, outputs: outputs(SIGMOID, targets), classes: names(targets) };
  if (objective === 'MultiLogloss' || objective === 'MultiCrossEntropy')
    return { objective, outputs: outputs(SIGMOID, 0), classes: null };
  if (objective === 'Poisson' || objective === 'Tweedie')
    return { objective, outputs: outputs({ kind: 'exp' }, 0), classes: null };
  if (RAW.test(objective)) return { objective, outputs: outputs({ kind: 'identity' }, 0), classes: null };
  return loss.fail(
    `the loss ${shorten(objective)} is not supported`,
    'Train it with another loss, or convert it to ONNX.',
  );
}

function lossOf(info: Part): Part {
  const params = info.has('params') ? info.at('params') : info.fail('it has no params, which name the loss');
  return params.at('loss_function').at('type');
}

/** CatBoost compares raw scores, also with a threshold that was set after training (`set_probability_threshold`). */
function borderOf(info: Part): number {
  if (!info.has('binclass_probability_threshold')) return 0;
  const part = info.at('binclass_probability_threshold');
  const share = part.isNumber ? part.number : Number(part.text);
  if (!(share > 0 && share < 1)) part.fail('it is not between zero and one');
  return -Math.log(1 / share - 1);
}

// Booleans are answered as Python writes them.
function labelOf(name: Part): CategoryValue {
  if (name.isBoolean) return name.truth ? 'True' : 'False';
  return name.isNumber ? name.number : name.text;
}

/** Labels of so many classes, where the file keeps as many. */
function classesOf(info: Part): (count: number) => CategoryValue[] | null {
  return (count) => {
    if (!info.has('class_params') || !info.at('class_params').has('class_names')) return null;
    const names = info.at('class_params').at('class_names').list;
    if (names.length !== count) info.fail(`it has ${names.length} classes for ${count} scores`);
    return names.map(labelOf);
  };
}
