import { runtimeText } from './runtime-text.ts';

// `CUBLAS failure 3: the resource allocation failed`; cuDNN and cuFFT give the names of their codes.
/** Whether a batch failed because memory was short: of the process (for the runtime, or for the feeds of the batch), or of the device. */
export function isMemoryShort(error: unknown): boolean {
  return /failed to allocate|Array buffer allocation failed|bad_alloc|bad allocation|out of memory|Available memory of \d+ is smaller|CUBLAS failure 3:|ALLOC(?:ATION)?_FAILED/i.test(
    runtimeText(error),
  );
}
