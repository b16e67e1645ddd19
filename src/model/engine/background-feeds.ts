import type { Background, BackgroundInput } from '../../base/contract/background.ts';
import type { TensorSignature } from '../../base/contract/signature.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import type { TensorValue } from '../elements/elements.ts';

/** A background as feeds of the model. Errors: INPUT_SCHEMA where it has not what the model takes. */
export function backgroundFeeds(background: Background, inputs: readonly TensorSignature[]): Map<string, TensorValue> {
  return new Map(inputs.map((input) => [input.name, feedOf(background, input)]));
}

function feedOf({ rows, inputs }: Background, input: TensorSignature): TensorValue {
  const given = Object.hasOwn(inputs, input.name) ? inputs[input.name] : undefined;
  if (given === undefined) return refuse(input, 'no column');
  const width = input.dims[1] ?? given.width;
  if (input.dims.length > 2 || given.width !== width || (input.dims.length < 2 && width !== 1))
    return refuse(input, `${given.width} columns`);
  const dims = input.dims.length < 2 ? [rows] : [rows, width];
  return { type: input.type!, dims, data: dataOf(given, input) };
}

function dataOf(given: BackgroundInput, input: TensorSignature): TensorValue['data'] {
  if ('texts' in given) {
    if (input.type !== 'string') return refuse(input, 'texts');
    return given.texts.map((text) => text ?? input.missingText ?? refuse(input, 'a null'));
  }
  const bytes = new Uint8Array(Buffer.from(given.numbers, 'base64'));
  const numbers = new Float64Array(bytes.buffer);
  if (input.type === 'float64') return numbers;
  if (input.type === 'float32') return Float32Array.from(numbers);
  if (input.type === 'string' || input.type === 'float16' || input.type === null) return refuse(input, 'numbers');
  if (numbers.some((value) => !Number.isSafeInteger(value))) return refuse(input, 'a null or a fraction');
  if (input.type === 'int64') return BigInt64Array.from(numbers, BigInt);
  if (input.type === 'int32') return Int32Array.from(numbers);
  if (input.type === 'bool') return Uint8Array.from(numbers);
  return refuse(input, 'numbers');
}

function refuse(input: TensorSignature, got: string): never {
  throw new PrescoreError('INPUT_SCHEMA', {
    what: `the background has not what input ${JSON.stringify(input.name)} of the model takes`,
    where: 'model.background',
    expected: `${input.type} [${input.dims.map((dim) => dim ?? 'rows').join(', ')}]`,
    got,
    fix: 'Give it the columns that feed the model, with the types of the input.',
  });
}
