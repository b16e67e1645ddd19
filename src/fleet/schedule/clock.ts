/** Time, so that a test can play a year of it. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Resolves at a time, or earlier when the signal aborts. Units: milliseconds since the epoch. */
  until(time: number, signal: AbortSignal): Promise<void>;
}

/** Timers go by another clock than the time of day, which may be set: it is looked at this often. */
const LOOK_MS = 20_000;

export const systemClock: Clock = {
  now: () => Date.now(),
  until: (time, signal) =>
    new Promise((resolve) => {
      let timer: NodeJS.Timeout | null = null;
      const look = (): void => {
        const left = time - Date.now();
        if (left > 0 && !signal.aborted) {
          timer = setTimeout(look, Math.min(left, LOOK_MS));
          return;
        }
        if (timer !== null) clearTimeout(timer);
        signal.removeEventListener('abort', look);
        resolve();
      };
      signal.addEventListener('abort', look);
      look();
    }),
};
