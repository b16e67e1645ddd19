/** Names of an object that are remembered for the next one: few, short and without escapes. */
const MOST_NAMES = 256;
const PLAIN_NAME = /^[\w .:-]{1,64}$/;

/** Whether names are worth to be remembered. */
export function arePlain(names: readonly string[]): boolean {
  return names.length <= MOST_NAMES && names.every((name) => PLAIN_NAME.test(name));
}

/** The place behind `token`, where `bytes` have it at `at`; else -1. */
export function behind(bytes: Uint8Array, at: number, token: Uint8Array): number {
  if (at < 0 || at + token.length > bytes.length) return -1;
  for (let i = 0; i < token.length; i++) if (bytes[at + i] !== token[i]) return -1;
  return at + token.length;
}
