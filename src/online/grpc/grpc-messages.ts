/** Messages of open_inference.proto as the loader gives them: fields by their own names, absent ones at their defaults. */
export interface NameAndVersion {
  readonly name: string;
  readonly version: string;
}

/** A 64-bit integer as two halves. */
export interface WideInteger {
  readonly low: number;
  readonly high: number;
  readonly unsigned: boolean;
}

/** Of the oneof only the member that was sent is there. */
export interface Parameter {
  readonly bool_param?: boolean;
  readonly int64_param?: WideInteger;
  readonly string_param?: string;
  readonly double_param?: number;
  readonly uint64_param?: WideInteger;
  readonly bytes_param?: Buffer;
}

export type Parameters = Readonly<Record<string, Parameter>>;

export interface TensorContents {
  readonly bool_contents: readonly boolean[];
  readonly int_contents: readonly number[];
  readonly int64_contents: readonly WideInteger[];
  readonly uint_contents: readonly number[];
  readonly uint64_contents: readonly WideInteger[];
  readonly fp32_contents: readonly number[];
  readonly fp64_contents: readonly number[];
  readonly bytes_contents: readonly Buffer[];
}

export interface InputTensor {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly WideInteger[];
  readonly parameters: Parameters;
  readonly contents: TensorContents | null;
}

export interface ModelInferRequest {
  readonly model_name: string;
  readonly model_version: string;
  readonly id: string;
  readonly parameters: Parameters;
  readonly inputs: readonly InputTensor[];
  readonly outputs: readonly { readonly name: string; readonly parameters: Parameters }[];
  readonly raw_input_contents: readonly Buffer[];
}

/** What we send; 64-bit integers go as decimal texts. */
export interface OutputTensor {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
  readonly contents?: Readonly<Record<string, readonly unknown[]>>;
}

export interface ModelInferResponse {
  readonly model_name: string;
  readonly model_version: string;
  readonly id: string;
  readonly outputs: readonly OutputTensor[];
  readonly raw_output_contents: readonly Buffer[];
}

export interface RepositoryRequest {
  readonly model_name: string;
  readonly parameters: Parameters;
}

/** The exact value. Errors: none. */
export function toBigint({ low, high, unsigned }: WideInteger): bigint {
  return (BigInt(unsigned ? high >>> 0 : high) << 32n) | BigInt(low >>> 0);
}

/** Parameters as plain values, integers as numbers; those beyond 2^53 as texts, for which no parameter has a use. */
export function plainParameters(parameters: Parameters): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(parameters).map(([name, value]) => [name, plain(value)]));
}

function plain(value: Parameter): unknown {
  const wide = value.int64_param ?? value.uint64_param;
  if (wide === undefined) return value.bool_param ?? value.string_param ?? value.double_param ?? value.bytes_param;
  const number = Number(toBigint(wide));
  return Number.isSafeInteger(number) ? number : String(toBigint(wide));
}
