import type { ModelKind } from '../../base/contract/registry.ts';
import type { PrescoreError } from '../../base/errors/prescore-error.ts';
import type { MlmodelFile } from './mlmodel-file.ts';
import { plainPath } from './plain-path.ts';
import { refused } from './refusals.ts';

/** Flavours whose files are read, in the order in which they are taken where a model has several. */
const TAKEN: readonly ModelKind[] = ['onnx', 'lightgbm', 'xgboost', 'catboost'];

const DEFAULT_DATA: Readonly<Record<ModelKind, string>> = {
  onnx: 'model.onnx',
  lightgbm: 'model.lgb',
  xgboost: 'model.xgb',
  catboost: 'model.cb',
};

/** What the line calls the model where its name could mean something to a shell. */
type Line = (uri: string) => string;

const CONVERTERS: Readonly<Record<string, Line>> = {
  sklearn: (uri) =>
    `Convert it in Python: import mlflow, skl2onnx; model = mlflow.sklearn.load_model("${uri}"); mlflow.onnx.log_model(skl2onnx.to_onnx(model, X[:1]), name="model", registered_model_name=NAME) (X: rows it was trained on).`,
  pytorch: (uri) =>
    `Convert it in Python: import mlflow, torch; torch.onnx.export(mlflow.pytorch.load_model("${uri}"), (X,), "model.onnx", dynamo=True, dynamic_shapes=[{0: "N"}]) (X: a tensor of rows), then prescore models add NAME model.onnx.`,
  tensorflow: (uri) =>
    `Convert it: mlflow artifacts download --artifact-uri ${uri} --dst-path DIR, then python -m tf2onnx.convert --saved-model DIR/data/model --output model.onnx, then prescore models add NAME model.onnx.`,
  keras: (uri) =>
    `Convert it in Python: import mlflow; mlflow.keras.load_model("${uri}").export("model.onnx", format="onnx"), then prescore models add NAME model.onnx.`,
  spark: () => 'Convert the pipeline with onnxmltools.convert_sparkml, then prescore models add NAME model.onnx.',
  python_function: () =>
    'A Python function has no file that can be read: log the model itself by mlflow.onnx, mlflow.lightgbm, mlflow.xgboost or mlflow.catboost.',
};

/** The flavour that is taken of a model, and its file in the model's folder. */
export interface TakenFlavour {
  readonly kind: ModelKind;
  readonly data: string;
}

/**
 * Chooses the flavour. `uri`: how MLflow calls the model, for the line to run.
 *
 * Errors: IMPORT_REFUSED for flavours that are not read, with the converter's line.
 */
export function takeFlavour({ flavours }: MlmodelFile, where: string, uri: string): TakenFlavour {
  for (const kind of TAKEN) {
    const flavour = flavours.get(kind);
    if (flavour !== undefined) return { kind, data: plainPath(flavour.get('data') ?? DEFAULT_DATA[kind], where) };
  }
  const names = [...flavours.keys()].filter((name) => name !== 'python_function');
  const name = names.find((one) => Object.hasOwn(CONVERTERS, one)) ?? names[0] ?? 'python_function';
  const fix = Object.hasOwn(CONVERTERS, name)
    ? CONVERTERS[name]!(plainUri(uri))
    : 'Export it to ONNX with the converter of its library, then prescore models add NAME model.onnx.';
  return refuse(
    `models of flavour ${name} are not taken, those of onnx, lightgbm, xgboost and catboost are`,
    where,
    fix,
  );
}

const SAVERS: Readonly<Record<ModelKind, Line>> = {
  onnx: (uri) => `Run in Python: import mlflow, onnx; onnx.save(mlflow.onnx.load_model("${uri}"), "model.onnx")`,
  lightgbm: (uri) =>
    `Run in Python: import mlflow; mlflow.lightgbm.load_model("${uri}").booster_.save_model("model.txt")`,
  xgboost: (uri) => `Run in Python: import mlflow; mlflow.xgboost.load_model("${uri}").save_model("model.ubj")`,
  catboost: (uri) => `Run in Python: import mlflow; mlflow.catboost.load_model("${uri}").save_model("model.cbm")`,
};

/** The refusal of a file that is of the flavour and in a form that is not read, such as a pickle. `is`: in words, what it is. */
export function unreadForm(kind: ModelKind, is: string, where: string, uri: string): PrescoreError {
  const fix = `${SAVERS[kind](plainUri(uri))}, then prescore models add NAME with that file.`;
  return refused(`the file of flavour ${kind} is ${is}`, where, fix);
}

function refuse(what: string, where: string, fix: string): never {
  throw refused(what, where, fix);
}

// What a server answers could hold anything.
function plainUri(uri: string): string {
  return /^[A-Za-z0-9_./:@+ -]{1,400}$/.test(uri) ? uri : 'MODEL';
}
