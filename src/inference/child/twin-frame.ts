import type { LiveTensor } from '../../base/contract/live-model.ts';
import type { TensorType } from '../../base/contract/signature.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import type { TwinParts } from '../../model/engine/tree-twin.ts';
import type { FrameTensor } from './live-frame.ts';

type Image = TwinParts['few'];
type ImageHead = Omit<Image, 'start' | 'code' | 'memory'>;

/** A twin's parts without their arrays, which are the frame's tensors. */
export type TwinHead = Omit<TwinParts, 'base' | 'few' | 'many'> & {
  readonly few: ImageHead;
  readonly many: ImageHead | null;
};

/** A twin's parts for a frame. Owns: the tensors are views of them. */
export function packTwin({ base, few, many, ...rest }: TwinParts): { head: TwinHead; tensors: FrameTensor[] } {
  const tensors = [
    tensor('base', 'float64', base),
    ...arraysOf('few', few),
    ...(many === null ? [] : arraysOf('many', many)),
  ];
  return { head: { ...rest, few: headOf(few), many: many === null ? null : headOf(many) }, tensors };
}

/** The parts again. Errors: INTERNAL where the frame lacks an array. Owns: they are views of the frame. */
export function unpackTwin({ few, many, ...rest }: TwinHead, tensors: ReadonlyMap<string, LiveTensor>): TwinParts {
  const array = <T>(name: string): T => {
    const found = tensors.get(name);
    if (found === undefined)
      throw new PrescoreError('INTERNAL', { what: `a twin without ${name}`, where: 'live scorer' });
    return found.data as T;
  };
  const image = (name: string, head: ImageHead): Image => ({
    ...head,
    start: array(`${name}.start`),
    code: array(`${name}.code`),
    memory: array(`${name}.memory`),
  });
  return { ...rest, base: array('base'), few: image('few', few), many: many === null ? null : image('many', many) };
}

function headOf({ start: _, code: __, memory: ___, ...head }: Image): ImageHead {
  return head;
}

function arraysOf(name: string, { start, code, memory }: Image): FrameTensor[] {
  return [
    tensor(`${name}.start`, 'float64', start),
    tensor(`${name}.code`, 'uint8', code),
    tensor(`${name}.memory`, 'uint8', memory),
  ];
}

function tensor(name: string, type: TensorType, data: Uint8Array | Float64Array): FrameTensor {
  return { name, type, dims: [data.length], pieces: [data] };
}
