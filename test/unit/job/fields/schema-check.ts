/** Just enough of JSON Schema to hold the generated one against values: every keyword that it uses, and no other. */
type Schema = Readonly<Record<string, unknown>> | boolean;

const KEYWORDS: Readonly<Record<string, (wanted: never, value: unknown, root: Schema, schema: never) => boolean>> = {
  type: (wanted: string | string[], value) => [wanted].flat().some((type) => isType(type, value)),
  enum: (wanted: unknown[], value) => wanted.includes(value),
  const: (wanted: unknown, value) => wanted === value,
  minLength: (wanted: number, value) => typeof value !== 'string' || value.length >= wanted,
  pattern: (wanted: string, value) => typeof value !== 'string' || new RegExp(wanted, 'u').test(value),
  minimum: (wanted: number, value) => typeof value !== 'number' || value >= wanted,
  maximum: (wanted: number, value) => typeof value !== 'number' || value <= wanted,
  minItems: (wanted: number, value) => !Array.isArray(value) || value.length >= wanted,
  maxItems: (wanted: number, value) => !Array.isArray(value) || value.length <= wanted,
  uniqueItems: (wanted: boolean, value) => !wanted || !Array.isArray(value) || new Set(value).size === value.length,
  items: (wanted: Schema, value, root) =>
    !Array.isArray(value) || value.every((item) => fitsSchema(wanted, item, root)),
  minProperties: (wanted: number, value) => !isMap(value) || Object.keys(value).length >= wanted,
  required: (wanted: string[], value) => !isMap(value) || wanted.every((key) => Object.hasOwn(value, key)),
  propertyNames: (wanted: Schema, value, root) =>
    !isMap(value) || Object.keys(value).every((key) => fitsSchema(wanted, key, root)),
  properties: (wanted: Record<string, Schema>, value, root) =>
    !isMap(value) ||
    Object.entries(value).every(([key, item]) => !Object.hasOwn(wanted, key) || fitsSchema(wanted[key]!, item, root)),
  additionalProperties: (wanted: Schema, value, root, schema: { properties?: object }) =>
    !isMap(value) ||
    Object.entries(value).every(
      ([key, item]) => Object.hasOwn(schema.properties ?? {}, key) || fitsSchema(wanted, item, root),
    ),
  anyOf: (wanted: Schema[], value, root) => wanted.some((schema) => fitsSchema(schema, value, root)),
  oneOf: (wanted: Schema[], value, root) => wanted.filter((schema) => fitsSchema(schema, value, root)).length === 1,
  $ref: (wanted: string, value, root) => fitsSchema(resolveRef(wanted, root), value, root),
};

const ANNOTATIONS = new Set(['$schema', '$defs', 'title', 'description', 'default']);

/** Whether a value fits; throws on a keyword that it does not know. */
export function fitsSchema(schema: Schema, value: unknown, root: Schema = schema): boolean {
  if (typeof schema === 'boolean') return schema;
  return Object.entries(schema).every(([keyword, wanted]) => {
    if (ANNOTATIONS.has(keyword)) return true;
    const check = KEYWORDS[keyword];
    if (check === undefined) throw new Error(`unknown keyword ${keyword}`);
    return check(wanted as never, value, root, schema as never);
  });
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isType(type: string, value: unknown): boolean {
  if (type === 'integer') return Number.isInteger(value);
  if (type === 'array') return Array.isArray(value);
  return type === 'object' ? isMap(value) : typeof value === type;
}

function resolveRef(ref: string, root: Schema): Schema {
  const found = ref
    .split('/')
    .slice(1)
    .reduce<unknown>((at, key) => (isMap(at) ? at[key] : undefined), root);
  return found as Schema;
}
