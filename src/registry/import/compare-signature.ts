import type { Dim, Signature, TensorSignature } from '../../base/contract/signature.ts';
import type { DeclaredSignature, DeclaredValue } from './foreign-model.ts';

/** Something that the other tool says and the file does not bear out. */
export interface Contradiction {
  /** `input features`. */
  readonly what: string;
  /** In words: of the other tool, and of the file. */
  readonly declared: string;
  readonly found: string;
}

/**
 * Where a declared signature contradicts what the file takes and gives. `featureNames`: of the columns of its one input, where the file has them. Outputs that are
 * not declared are no contradiction: a tool may hide some.
 *
 * Errors: none.
 */
export function compareSignature(
  declared: DeclaredSignature,
  signature: Signature,
  featureNames: readonly string[] | null,
): readonly Contradiction[] {
  const { inputs, outputs } = declared;
  const found: Contradiction[] = [];
  if (inputs !== null) {
    found.push(
      ...(inputs.every(({ dims }) => dims === null)
        ? compareColumns(inputs, signature.inputs, featureNames)
        : [...compareTensors('input', inputs, signature.inputs), ...undeclared(inputs, signature.inputs)]),
    );
  }
  const tensors = outputs?.filter(({ dims }) => dims !== null) ?? [];
  return [...found, ...compareTensors('output', tensors, signature.outputs)];
}

function compareTensors(
  kind: 'input' | 'output',
  declared: readonly DeclaredValue[],
  tensors: readonly TensorSignature[],
): Contradiction[] {
  return declared.flatMap((one) => {
    const tensor = one.name === null ? tensors[0] : tensors.find(({ name }) => name === one.name);
    const what = one.name === null ? kind : `${kind} ${one.name}`;
    const says = sayDeclared(one);
    if (tensor === undefined) return [{ what, declared: says, found: `no such ${kind}; ${sayAll(tensors)}` }];
    const isSame = isSameType(one, tensor) && fits(one.dims ?? [], tensor);
    return isSame ? [] : [{ what, declared: says, found: sayTensor(tensor) }];
  });
}

function undeclared(declared: readonly DeclaredValue[], tensors: readonly TensorSignature[]): Contradiction[] {
  if (declared.some(({ name }) => name === null)) return [];
  const names = new Set(declared.map(({ name }) => name));
  return tensors
    .filter(({ name }) => !names.has(name))
    .map((tensor) => ({ what: `input ${tensor.name}`, declared: 'no such input', found: sayTensor(tensor) }));
}

// Columns are an input each, or side by side in the one input.
function compareColumns(
  columns: readonly DeclaredValue[],
  inputs: readonly TensorSignature[],
  featureNames: readonly string[] | null,
): Contradiction[] {
  const [only] = inputs;
  if (inputs.length !== 1 || only === undefined || (columns.length === 1 && columns[0]?.name === only.name)) {
    const asTensors = compareTensors(
      'input',
      columns.map((one) => ({ ...one, dims: [] })),
      inputs,
    );
    return [...asTensors, ...undeclared(columns, inputs)];
  }
  const width = only.dims.at(-1) ?? null;
  const names = columns.map(({ name }) => name);
  if (only.dims.length === 2 && width !== null && width !== columns.length) {
    return [{ what: 'columns', declared: `${columns.length} columns`, found: `${width} in ${sayTensor(only)}` }];
  }
  if (featureNames === null || names.includes(null) || names.every((name, i) => name === featureNames[i])) return [];
  // Trainers that get no names make them up.
  if (featureNames.every((name, i) => name === `Column_${i}` || name === `f${i}` || name === String(i))) return [];
  const first = names.findIndex((name, i) => name !== featureNames[i]);
  return [
    {
      what: 'the order of the columns',
      declared: `column ${first + 1} is ${names[first]}`,
      found: `column ${first + 1} is ${featureNames[first] ?? 'not there'}`,
    },
  ];
}

function isSameType({ type }: DeclaredValue, tensor: TensorSignature): boolean {
  return type === null || tensor.type === null || type === tensor.type;
}

// Columns are declared without axes (no dims); a tensor without a declared shape takes any.
function fits(dims: readonly Dim[], tensor: TensorSignature): boolean {
  if (dims.length === 0 || tensor.isShapeless === true || tensor.dims.length === 0) return true;
  if (dims.length !== tensor.dims.length) return false;
  return dims.every((dim, i) => dim === null || (tensor.dims[i] ?? null) === null || dim === tensor.dims[i]);
}

function sayDeclared({ declared, dims }: DeclaredValue): string {
  return `${declared}${dims === null || dims.length === 0 ? '' : sayDims(dims)}`;
}

function sayTensor({ name, declared, type, dims }: TensorSignature): string {
  return `${name} ${type ?? declared}${sayDims(dims)}`;
}

function sayDims(dims: readonly Dim[]): string {
  return `[${dims.map((dim) => dim ?? '?').join(', ')}]`;
}

function sayAll(tensors: readonly TensorSignature[]): string {
  return `there is ${tensors.slice(0, 5).map(sayTensor).join(', ')}${tensors.length > 5 ? ', …' : ''}`;
}
