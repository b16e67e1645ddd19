import { closeSync, openSync, readFileSync, readSync, statSync } from 'node:fs';
import { bytesField, concatBytes } from '../../base/formats/protobuf-write.ts';
import { FileFields } from './file-fields.ts';

/** What of a model's file is read to know it. */
export interface ModelStructure {
  /** An ONNX file without the numbers of its large initializers; any other file whole. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Bytes of the initializers that were passed over. */
  readonly weightBytes: number;
}

/** Below this the file is read whole; above, weights are passed over. */
const SMALL_FILE = 8 * 1024 * 1024;
const SMALL_TENSOR = 64 * 1024;
const LARGE_NODE = 1024 * 1024;
/** What is no model of ONNX is read whole, up to this. */
const LARGEST_TEXT = 2 ** 31;

/** What a file tells of the model before it is loaded. */
export interface ModelOutline {
  /** A large ONNX file without the numbers of its initializers and without large nodes, a small one whole; null for any other file. */
  readonly bytes: Uint8Array | null;
  /** What it is likely to take in memory when it is loaded, without weights that lie in other files. */
  readonly memoryBytes: number;
}

/**
 * What a model takes for each byte of its file, measured with onnxruntime 1.30: networks of a gigabyte 1.04 to 1.09 times their weights; what
 * is half as wide as float32 may be made wide; a session of small networks 2.7 to 5 times the file, of trees 13 to 15 times.
 */
const FACTORS = { weights: 1.2, narrow: 2.4, rest: 4, trees: 15 } as const;

/** The same for weights in files beside the model: nobody has looked what they are. */
export function weightsMemory(bytes: number): number {
  return FACTORS.weights * bytes;
}

/**
 * Looks at a file without reading what is large in it. Errors: those of the file system.
 */
export function outlineModel(path: string): ModelOutline {
  const { size } = statSync(path);
  if (size <= SMALL_FILE) return { bytes: new Uint8Array(readFileSync(path)), memoryBytes: FACTORS.rest * size };
  const file = openSync(path, 'r');
  try {
    const weights = weigh(new FileFields(file, 0, size));
    const isLarge = (field: FileFields): boolean => field.size > LARGE_NODE && !isGraph(field);
    const bytes = withoutWeights(new FileFields(file, 0, size), isLarge);
    const rest = size - weights.wide - weights.narrow;
    const hasTrees = weights.hasLargeNodes || Buffer.from(bytes.buffer).includes('TreeEnsemble');
    const factor = hasTrees ? FACTORS.trees : FACTORS.rest;
    return { bytes, memoryBytes: FACTORS.weights * weights.wide + FACTORS.narrow * weights.narrow + factor * rest };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return { bytes: null, memoryBytes: FACTORS.rest * size };
  } finally {
    closeSync(file);
  }
}

/**
 * Reads a model's file without its weights: a network of two gigabytes has a structure of some kilobytes. Only what lies in the graph's own
 * initializers is passed over.
 *
 * Errors: those of the file system; RangeError above 2 GiB for a file that is no ONNX.
 */
export function readStructure(path: string): ModelStructure {
  const { size } = statSync(path);
  if (size <= SMALL_FILE) return { bytes: new Uint8Array(readFileSync(path)), weightBytes: 0 };
  const file = openSync(path, 'r');
  try {
    const weights = weigh(new FileFields(file, 0, size));
    const weightBytes = weights.wide + weights.narrow;
    // Where they are the smaller part, all of it is wanted: trees are attributes.
    if (weightBytes < size / 2) return { bytes: wholeFile(file, size), weightBytes: 0 };
    return { bytes: withoutWeights(new FileFields(file, 0, size)), weightBytes };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    if (size > LARGEST_TEXT) throw error;
    return { bytes: wholeFile(file, size), weightBytes: 0 };
  } finally {
    closeSync(file);
  }
}

// ModelProto: graph 7. GraphProto: initializer 5. TensorProto: raw_data 9, and the lists of numbers beside it.
const NUMBERS = new Set([4, 5, 6, 7, 9, 10, 11]);

function isWeights({ number, size }: FileFields): boolean {
  return NUMBERS.has(number) && size > SMALL_TENSOR;
}

function isTensor({ number, wire, size }: FileFields): boolean {
  return number === 5 && wire === 2 && size > SMALL_TENSOR;
}

function isGraph({ number, wire }: FileFields): boolean {
  return number === 7 && wire === 2;
}

interface Weights {
  wide: number;
  /** Of types of two bytes. */
  narrow: number;
  hasLargeNodes: boolean;
}

function weigh(model: FileFields): Weights {
  const found = { wide: 0, narrow: 0, hasLargeNodes: false };
  while (model.next()) {
    if (!isGraph(model)) continue;
    for (const graph = model.inner(); graph.next(); ) {
      if (isTensor(graph)) weighTensor(graph.inner(), found);
      else if (graph.number === 1 && graph.size > LARGE_NODE) found.hasLargeNodes = true;
    }
  }
  return found;
}

// TensorProto: data_type 2; FLOAT16 is 10, BFLOAT16 16.
function weighTensor(tensor: FileFields, found: Weights): void {
  let type = 0;
  let bytes = 0;
  while (tensor.next()) {
    if (tensor.number === 2) type = tensor.varintValue;
    if (isWeights(tensor)) bytes += tensor.size;
  }
  found[type === 10 || type === 16 ? 'narrow' : 'wide'] += bytes;
}

type Choice = (field: FileFields) => boolean;

function withoutWeights(model: FileFields, isLeftOut: Choice = () => false): Uint8Array<ArrayBuffer> {
  const tensor = (fields: FileFields): Uint8Array => kept(fields, (field) => (isWeights(field) ? null : field.slice()));
  const other = (field: FileFields): Uint8Array | null => (isLeftOut(field) ? null : field.slice());
  const graph = (fields: FileFields): Uint8Array =>
    kept(fields, (field) => (isTensor(field) ? bytesField(5, tensor(field.inner())) : other(field)));
  return kept(model, (field) => (isGraph(field) ? bytesField(7, graph(field.inner())) : other(field)));
}

function kept(fields: FileFields, keep: (field: FileFields) => Uint8Array | null): Uint8Array<ArrayBuffer> {
  const weights: Uint8Array[] = [];
  while (fields.next()) {
    const part = keep(fields);
    if (part !== null) weights.push(part);
  }
  return concatBytes(weights);
}

function wholeFile(file: number, size: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size);
  for (let at = 0; at < size; ) {
    const read = readSync(file, bytes, at, Math.min(size - at, 2 ** 30), at);
    if (read === 0) throw new RangeError('the file became shorter while it was read');
    at += read;
  }
  return bytes;
}
