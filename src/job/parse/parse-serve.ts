import type { ServeConfig } from '../../base/contract/serve-config.ts';
import { SERVE_SHAPE, SERVE_VERSION, type ServeFile } from '../fields/serve-fields.ts';
import { lintServe } from '../lint/lint-serve.ts';
import { checkShape } from './check-shape.ts';
import { compileServe } from './compile-serve.ts';
import { type FileFormat, type ParseOptions, parseFile } from './parse-file.ts';

const SERVE_FORMAT: FileFormat<ServeFile, ServeConfig> = {
  says: 'serve file',
  check: (tree, context) => checkShape(SERVE_SHAPE, tree, [], context),
  versionKey: 'prescore-serve',
  version: SERVE_VERSION,
  compile: compileServe,
  lint: lintServe,
};

/** Reads a serve file. Errors: those of `parseFile`. Repeat: safe. */
export function parseServe(text: string, options: ParseOptions): ServeConfig {
  return parseFile(text, SERVE_FORMAT, options);
}
