import { writeBinaryTensor } from './binary-tensors.ts';
import { datatypeOf } from './datatypes.ts';
import { writeJsonData } from './json-tensors.ts';
import type { InferResult } from './wire.ts';

/** A body and, when bytes follow its JSON, the length of the JSON. */
export interface InferAnswerBody {
  readonly body: string | Buffer;
  readonly headerLength: number | null;
}

/** Errors: LIVE_REQUEST when a half-float output was asked for as JSON. */
export function writeInferAnswer(result: InferResult, isBinary: (output: string) => boolean): InferAnswerBody {
  const tails: Buffer[] = [];
  const outputs = result.outputs.map(({ name, type, shape, data }) => {
    const head = `{"name":${JSON.stringify(name)},"datatype":"${datatypeOf(type)}","shape":[${shape.join(',')}],`;
    if (!isBinary(name)) return `${head}"data":${writeJsonData(type, data, `output ${name}`)}}`;
    const bytes = writeBinaryTensor(type, data);
    tails.push(bytes);
    return `${head}"parameters":{"binary_data_size":${bytes.length}}}`;
  });
  const { model, id } = result;
  const version = model.version === null ? '' : `,"model_version":${JSON.stringify(model.version)}`;
  const echo = id === null ? '' : `,"id":${JSON.stringify(id)}`;
  const json = `{"model_name":${JSON.stringify(model.name)}${version}${echo},"outputs":[${outputs.join(',')}]}`;
  if (tails.length === 0) return { body: json, headerLength: null };
  const head = Buffer.from(json);
  return { body: Buffer.concat([head, ...tails]), headerLength: head.length };
}
