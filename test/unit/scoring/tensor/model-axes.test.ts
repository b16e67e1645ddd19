import { describe, expect, it } from 'vitest';
import type { Dim, Signature, TensorSignature } from '../../../../src/base/contract/signature.ts';
import { fixAxesLine, refuseBatchAxis, refuseOutputAxis } from '../../../../src/scoring/tensor/model-axes.ts';

const tensor = (name: string, dims: readonly Dim[]): TensorSignature => ({
  name,
  type: 'float32',
  declared: 'float32',
  dims,
});
const model = (inputs: readonly TensorSignature[], outputs: readonly TensorSignature[]): Signature => ({
  inputs,
  outputs,
});

describe('where the batch of a model is', () => {
  it('state is named with the wrapper that begins it from zero, also of fixed axes that columns would feed', () => {
    const sound = tensor('input', [null, 512]);
    const open = model(
      [sound, tensor('state', [2, null, 128])],
      [tensor('output', [null, 1]), tensor('stateN', [2, null, 128])],
    );
    expect(() => refuseBatchAxis(open.inputs[1]!, open, false, 'm')).toThrow(
      /^MODEL_STATEFUL: input state \[2, \?, 128\] .*torch\.zeros\(2, input\.shape\[0\], 128\) as state .*torch\.onnx\.export\(/,
    );
    const fixed = model([sound, tensor('h', [1, 1, 128])], [tensor('output', [null, 1]), tensor('hn', [1, null, 128])]);
    expect(() => refuseBatchAxis(fixed.inputs[1]!, fixed, true, 'm')).toThrow(
      /^MODEL_STATEFUL: input h .*torch\.zeros\(1, 1, 128\)/,
    );
    // A value begins each row anew: that is asked for by name.
    expect(() => refuseBatchAxis(fixed.inputs[1]!, fixed, false, 'm')).not.toThrow();
    const plain = model([sound, tensor('history', [1, 1, 128])], [tensor('y', [null, 1])]);
    expect(() => refuseBatchAxis(plain.inputs[1]!, plain, true, 'm')).not.toThrow();
  });

  it('a batch behind another axis is told with the wrapper that moves it', () => {
    const turned = model([tensor('x', [4, null])], [tensor('y', [null])]);
    expect(() => refuseBatchAxis(turned.inputs[0]!, turned, true, 'm')).toThrow(
      /^MODEL_BATCH_AXIS: input x .*self\.model\(x\.movedim\(0, 1\)\).*dynamic_axes=\{'x': \{0: 'batch'\}\}/,
    );
    const image = model([tensor('x', [3, null, null])], [tensor('y', [1])]);
    expect(() => refuseBatchAxis(image.inputs[0]!, image, true, 'm')).toThrow(
      /^MODEL_BATCH_AXIS: .*example\.unsqueeze\(0\)/,
    );
    const back = model([tensor('x', [null, 4])], [tensor('y', [4, null])]);
    expect(() => refuseOutputAxis(back.outputs[0]!, back, 'm')).toThrow(
      /^MODEL_BATCH_AXIS: output y .*\.movedim\(1, 0\)/,
    );
  });

  it('open axes get lengths by a line of Python', () => {
    expect(fixAxesLine(tensor('x', [null, 3, null, null]))).toContain(
      "i.name == 'x').type.tensor_type.shape.dim; d[2].dim_value = LENGTH_2; d[3].dim_value = LENGTH_3; onnx.save(m, 'fixed.onnx')",
    );
  });
});
