/** JSON of somebody else: every step looks before it takes. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Null for what is none. Errors: none. */
export function asObject(value: unknown): JsonObject | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : null;
}

/** An empty list for what is none; entries that are no objects are left out. */
export function objectsOf(value: unknown): readonly JsonObject[] {
  return Array.isArray(value) ? value.map(asObject).filter((one) => one !== null) : [];
}

/** Null for what is no text, and for the empty one, which stands for nothing in protobuf. */
export function textOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

/** Null for texts that are no JSON. */
export function parseJson(text: string | null): unknown {
  if (text === null) return null;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}
