import type { TensorType } from '../../base/contract/signature.ts';
import type { DeclaredSignature, DeclaredValue } from './foreign-model.ts';
import { type PbMessage, readPbtxt } from './pbtxt.ts';
import { unreadable } from './pbtxt-lexer.ts';

/** What is looked at of a `config.pbtxt`. Empty texts are what protobuf has for nothing. */
export interface TritonConfig {
  readonly name: string;
  readonly platform: string;
  readonly backend: string;
  /** Of the model in a version's folder. */
  readonly fileName: string;
  /** Above 0: shapes are written without the batch axis. */
  readonly maxBatchSize: number;
  readonly isEnsemble: boolean;
  readonly inputs: readonly TritonTensor[];
  readonly outputs: readonly TritonTensor[];
}

export interface TritonTensor {
  readonly name: string;
  /** `TYPE_FP32`; empty where it is left to the model. */
  readonly dataType: string;
  /** What the model gets, without the batch axis where there is one; -1: open. `reshape` is applied. */
  readonly dims: readonly number[];
}

export const CONFIG = 'config.pbtxt';
export const MOST_CONFIG = 1024 * 1024;

const TYPES: Readonly<Record<string, TensorType>> = {
  TYPE_BOOL: 'bool',
  TYPE_UINT8: 'uint8',
  TYPE_UINT16: 'uint16',
  TYPE_UINT32: 'uint32',
  TYPE_UINT64: 'uint64',
  TYPE_INT8: 'int8',
  TYPE_INT16: 'int16',
  TYPE_INT32: 'int32',
  TYPE_INT64: 'int64',
  TYPE_FP16: 'float16',
  TYPE_FP32: 'float32',
  TYPE_FP64: 'float64',
  TYPE_STRING: 'string',
};
/** Numbers of the enum, which text format takes as well as its names. */
const TYPE_NAMES = ['TYPE_INVALID', ...Object.keys(TYPES), 'TYPE_BF16'];

/** Reads a model's configuration. Errors: IMPORT_REFUSED. */
export function readTritonConfig(text: string, where: string): TritonConfig {
  const fields = readPbtxt(text, where);
  return {
    name: lastText(fields, 'name', where),
    platform: lastText(fields, 'platform', where),
    backend: lastText(fields, 'backend', where),
    fileName: lastText(fields, 'default_model_filename', where),
    maxBatchSize: numbers(fields, 'max_batch_size', where).at(-1) ?? 0,
    isEnsemble: fields.has('ensemble_scheduling'),
    inputs: messages(fields, 'input', where).map((one) => tensorOf(one, where)),
    outputs: messages(fields, 'output', where).map((one) => tensorOf(one, where)),
  };
}

/** What the configuration says of the graph; null where it leaves all to the model. Errors: none. */
export function tritonSignature({ inputs, outputs, maxBatchSize }: TritonConfig): DeclaredSignature | null {
  if (inputs.length === 0 && outputs.length === 0) return null;
  const batch = maxBatchSize > 0 ? [null] : [];
  const declaredOf = ({ name, dataType, dims }: TritonTensor): DeclaredValue => ({
    name,
    type: TYPES[dataType] ?? null,
    declared: dataType === '' ? 'any type' : dataType,
    // Left out, they are left to the model.
    dims: dims.length === 0 ? [] : [...batch, ...dims.map((dim) => (dim < 0 ? null : dim))],
  });
  const orNull = (list: readonly TritonTensor[]): readonly DeclaredValue[] | null =>
    list.length === 0 ? null : list.map(declaredOf);
  return { by: CONFIG, isBinding: true, inputs: orNull(inputs), outputs: orNull(outputs) };
}

function tensorOf(fields: PbMessage, where: string): TritonTensor {
  const dataType = fields.get('data_type')?.at(-1);
  const word = dataType?.kind === 'word' ? dataType.value : '';
  const reshape = messages(fields, 'reshape', where).at(-1);
  return {
    name: lastText(fields, 'name', where),
    dataType: TYPE_NAMES[Number(word === '' ? Number.NaN : word)] ?? word,
    dims: reshape === undefined ? numbers(fields, 'dims', where) : numbers(reshape, 'shape', where),
  };
}

function lastText(fields: PbMessage, name: string, where: string): string {
  const value = fields.get(name)?.at(-1);
  if (value === undefined) return '';
  if (value.kind === 'text') return value.value;
  throw unreadable(`${name} is no text`, where);
}

function numbers(fields: PbMessage, name: string, where: string): readonly number[] {
  return (fields.get(name) ?? []).map((value) => {
    // Octal is written with a leading zero.
    const word = value.kind === 'word' ? value.value.replace(/^(-?)0(?=[0-7])/, '$10o') : '';
    const isPlain = /^-?(\d+|0[xX][0-9a-fA-F]+|0o[0-7]+)$/.test(word);
    const number = isPlain ? Number(word.replace('-', '')) * (word.startsWith('-') ? -1 : 1) : Number.NaN;
    if (Number.isSafeInteger(number)) return number;
    throw unreadable(`${name} is no whole number`, where, word);
  });
}

function messages(fields: PbMessage, name: string, where: string): readonly PbMessage[] {
  return (fields.get(name) ?? []).map((value) => {
    if (value.kind === 'message') return value.fields;
    throw unreadable(`${name} is no message`, where);
  });
}
