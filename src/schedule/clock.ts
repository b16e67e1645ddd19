/** Time, so that a test can play a year of it. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Resolves at a time, or earlier when the signal aborts. Units: milliseconds since the epoch. */
  until(time: number, signal: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  until: (time, signal) =>
    new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const end = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', end);
        resolve();
      };
      const timer = setTimeout(end, Math.max(0, time - Date.now()));
      signal.addEventListener('abort', end);
    }),
};
