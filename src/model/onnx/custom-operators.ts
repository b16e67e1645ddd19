import { PrescoreError } from '../../base/errors/prescore-error.ts';

/** What to change in the exporter, by the domain whose operators a model has. */
const ADVICE: Readonly<Record<string, string>> = {
  'ai.onnx.contrib':
    'They are those of onnxruntime-extensions, mostly tokenizers: export the network without them (optimum-cli export onnx --model FOLDER onnx/), and keep the tokens in the table.',
  'com.microsoft.extensions':
    'They are those of onnxruntime-extensions, mostly tokenizers: export the network without them (optimum-cli export onnx --model FOLDER onnx/), and keep the tokens in the table.',
  'org.pytorch.aten':
    'They are what torch could not translate: export without the fallback, torch.onnx.export(…, operator_export_type=torch.onnx.OperatorExportTypes.ONNX), or with the newer exporter, torch.onnx.export(…, dynamo=True).',
  'com.microsoft':
    'No such operator is in the ONNX Runtime that is bundled: export it with what this one has; of scikit-learn, skl2onnx.to_onnx(…, black_op={…}) names operators that must not be used, and a GaussianProcessClassifier has no other form.',
};

/**
 * The refusal of operators that nothing here can run, `domain:Name` each, with the exporter's line to change. MODEL_CUSTOM_OP.
 */
export function customOperators(operators: readonly string[], where: string, cause?: unknown): PrescoreError {
  const more = operators.length > 5 ? `, … (${operators.length})` : '';
  const [first = ''] = operators;
  const domain = first.slice(0, first.lastIndexOf(':'));
  return new PrescoreError('MODEL_CUSTOM_OP', {
    what: `model uses ${operators.slice(0, 5).join(', ')}${more}`,
    where,
    fix:
      ADVICE[domain] ??
      `Export it again without custom operators: in torch, write the module of ${first} with torch's own functions and leave custom_opsets={"${domain}": …} out of torch.onnx.export. No operator libraries are loaded.`,
    ...(cause === undefined ? {} : { cause }),
  });
}

/** The same for what ONNX Runtime says of an operator that it does not have; null where it says something else. */
export function missingOperator(text: string, where: string, cause: unknown): PrescoreError | null {
  const [, name] = /([\w.]+:\w+)\(-?\d+\) is not a registered function\/op/.exec(text) ?? [];
  return name === undefined ? null : customOperators([name], where, cause);
}
