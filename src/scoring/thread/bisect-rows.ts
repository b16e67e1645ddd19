import { isPrescoreError, PrescoreError } from '../../base/errors/prescore-error.ts';
import { isDeviceFailure } from '../../model/onnx/execution-device.ts';
import { isMemoryShort } from '../../model/onnx/memory-shortage.ts';
import { runtimeText } from '../../model/onnx/runtime-text.ts';

/** Scores rows [from, from + count) as one batch; throws ONNX Runtime's own error when the batch fails. */
export type RunRows = (from: number, count: number) => Promise<void>;

/**
 * Scores rows [from, from + count), in halves where a batch fails, down to the guilty rows: `onGuilty` is told each of them
 * with the runtime's message. All other rows are scored. `onHalved` is told how many rows fit when memory was short for more
 * of them and no row is to blame.
 *
 * Gives whether every row was scored. Errors: a PrescoreError of `runRows` passes through; MODEL_FAILED when single rows already want more memory than there is; SCORER_CRASHED when the device failed.
 */
export async function bisectRows(
  from: number,
  count: number,
  runRows: RunRows,
  onGuilty: (row: number, message: string) => void,
  onHalved: (fits: number) => void = () => undefined,
): Promise<boolean> {
  try {
    await runRows(from, count);
    return true;
  } catch (error) {
    if (isPrescoreError(error)) throw error;
    if (isDeviceFailure(error) && !isMemoryShort(error)) throw deviceError(error);
    if (count === 1) {
      onGuilty(from, runtimeText(error).slice(0, 300));
      return false;
    }
    // Too much for the first row alone and for the last: it is the model, and bisecting every batch would only take long.
    const isHungry = (row: number): Promise<boolean> => runRows(row, 1).then(() => false, isMemoryShort);
    if (isMemoryShort(error) && (await isHungry(from)) && (await isHungry(from + count - 1))) throw hungerError(error);
    const half = count >> 1;
    const first = await bisectRows(from, half, runRows, onGuilty, onHalved);
    const second = await bisectRows(from + half, count - half, runRows, onGuilty, onHalved);
    if (isMemoryShort(error) && first && second) onHalved(count - half);
    return first && second;
  }
}

// Rows that come after a failure of the device would all be rejected: the process is of no use any more.
function deviceError(cause: unknown): PrescoreError {
  const fix = 'Look at the driver and the GPU (nvidia-smi, dmesg); prescore gpu status says what is there.';
  const what = `the device failed: ${runtimeText(cause).slice(0, 300)}`;
  return new PrescoreError('SCORER_CRASHED', { what, fix, cause, data: { device: true } });
}

function hungerError(cause: unknown): PrescoreError {
  const fix = 'The model asks for more memory than there is even for one row: check it with one row.';
  return new PrescoreError('MODEL_FAILED', { what: runtimeText(cause), fix, cause });
}
