import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sha256Of } from './temp-job.ts';

/** Puts a model into a model folder the way `serve` wants it, its digest last. */
export function putModel(folder: string, name: string, version: string, path: string): void {
  const place = join(folder, name, version);
  mkdirSync(place, { recursive: true });
  copyFileSync(path, join(place, 'model.onnx'));
  writeFileSync(join(place, 'model.onnx.sha256'), `${sha256Of(path)}  model.onnx\n`);
}
