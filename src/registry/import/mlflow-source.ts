import { PrescoreError } from '../../base/errors/prescore-error.ts';

/** Which version of a registered model is meant. */
export type MlflowSource = { readonly name: string } & (
  | { readonly by: 'alias'; readonly alias: string }
  | { readonly by: 'stage'; readonly stage: string }
  | { readonly by: 'version'; readonly version: string }
);

export const MLFLOW = 'mlflow:';
const STAGES = ['Production', 'Staging', 'Archived'] as const;

/**
 * Reads `mlflow:models:/NAME@ALIAS`, `…/NAME/STAGE` or `…/NAME/VERSION`.
 *
 * Errors: USAGE.
 */
export function parseMlflow(text: string): MlflowSource {
  const match = /^mlflow:models:\/+([^/@]+)(?:@([^/@]+)|\/([^/@]+))$/.exec(text);
  const [, name, alias, rest] = match ?? [];
  if (name === undefined) throw wrong('the name of a model of MLflow cannot be read', text);
  if (alias !== undefined) return { name: name, by: 'alias', alias: alias };
  if (rest !== undefined && /^[1-9][0-9]{0,17}$/.test(rest)) return { name: name, by: 'version', version: rest };
  const stage = STAGES.find((one) => one.toLowerCase() === rest?.toLowerCase());
  if (stage !== undefined) return { name: name, by: 'stage', stage };
  const isLatest = rest?.toLowerCase() === 'latest';
  throw wrong(
    isLatest
      ? 'latest names whatever was registered last: nobody decided on it'
      : 'this is neither a version nor a stage',
    text,
  );
}

function wrong(what: string, got: string): PrescoreError {
  const expected =
    'mlflow:models:/NAME@ALIAS, mlflow:models:/NAME/VERSION or mlflow:models:/NAME/Production (Staging, Archived)';
  return new PrescoreError('USAGE', {
    what,
    expected,
    got,
    fix: 'Write the model as MLflow does, with mlflow: before it.',
  });
}
