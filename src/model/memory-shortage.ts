import { runtimeText } from './runtime-text.ts';

/** Whether ONNX Runtime failed because memory was short: of the process, or of the device. */
export function isMemoryShort(error: unknown): boolean {
  return /failed to allocate|bad_alloc|bad allocation|out of memory|Available memory of \d+ is smaller|CUBLAS_STATUS_ALLOC_FAILED|CUDNN_STATUS_ALLOC_FAILED/i.test(
    runtimeText(error),
  );
}
