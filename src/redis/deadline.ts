import { PrescoreError } from '../errors/prescore-error.ts';

/** The result of work that must end in time; what comes later is dropped. Errors: PREDICTIONS_UNAVAILABLE when it is late. */
export async function withinLimit<T>(task: Promise<T>, limitMs: number, where: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const what = `no reply within ${limitMs / 1000} s`;
    timer = setTimeout(() => reject(new PrescoreError('PREDICTIONS_UNAVAILABLE', { what, where })), limitMs);
  });
  try {
    return await Promise.race([task, late]);
  } finally {
    clearTimeout(timer);
  }
}
