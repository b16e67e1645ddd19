import { readFileSync } from 'node:fs';
import { type EngineOptions, type OpenedModel, openModel } from '../../src/model/engine/open-model.ts';
import { readOnnxFile } from '../../src/model/onnx/onnx-file.ts';

/** Opens an ONNX file for one thread of the CPU. */
export function openOnnx(path: string, trees: EngineOptions['trees']): Promise<OpenedModel> {
  const bytes = new Uint8Array(readFileSync(path));
  return openModel(bytes, readOnnxFile(bytes, path), { intraOpThreads: 1, device: 'cpu', trees }, path);
}
