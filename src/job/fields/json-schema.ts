import { DURATION_PATTERN, PERCENT_PATTERN, SIZE_PATTERN } from '../values/quantities.ts';
import { TEXT_RULES } from '../values/text-rules.ts';
import type { Choice, Field, Json, ObjectShape, Shape } from './field.ts';
import { sayShape } from './say-shape.ts';

type Schema = { readonly [key: string]: Json };

/**
 * The JSON Schema (2020-12) of a file format, for editors. It is a little wider than the validator, which also checks
 * what a schema cannot say: rules across keys, dates, endpoints, URIs.
 *
 * Errors: none.
 */
export function jsonSchemaOf(shape: ObjectShape, title: string): Schema {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title,
    ...schemaOf(shape),
    $defs: {
      constant: {
        anyOf: [
          { type: ['number', 'string', 'boolean'] },
          { type: 'array', minItems: 1, items: { $ref: '#/$defs/constant' } },
        ],
      },
    },
  };
}

function schemaOf(shape: Shape): Schema {
  switch (shape.kind) {
    case 'text':
      return { type: 'string', minLength: 1, pattern: TEXT_RULES[shape.rule].pattern };
    case 'word':
      return { enum: shape.values };
    case 'flag':
      return { type: 'boolean' };
    case 'integer':
      return { type: 'integer', minimum: shape.min, maximum: shape.max };
    case 'integerOrAuto':
      return { anyOf: [{ const: 'auto' }, { type: 'integer', minimum: shape.min, maximum: shape.max }] };
    case 'duration':
      return { type: 'string', pattern: DURATION_PATTERN };
    case 'size':
      return {
        anyOf: [
          { type: 'integer', minimum: shape.min, maximum: shape.max },
          { type: 'string', pattern: SIZE_PATTERN },
        ],
      };
    case 'sizeOrAuto':
      return {
        anyOf: [
          { const: 'auto' },
          { type: 'integer', minimum: shape.min, maximum: shape.max },
          { type: 'string', pattern: SIZE_PATTERN },
        ],
      };
    case 'rejectLimit':
      return {
        anyOf: [
          { type: 'integer', minimum: 0 },
          { type: 'string', pattern: PERCENT_PATTERN },
        ],
      };
    case 'storeUrl':
      return { type: 'string', pattern: '^(lmdb:|rediss?([+](cluster|sentinel))?://)' };
    case 'uri':
      return { type: 'string', minLength: 1 };
    case 'label':
      return { type: ['string', 'number'] };
    case 'constant':
      return { $ref: '#/$defs/constant' };
    case 'nulls':
      return { anyOf: [{ enum: ['nan', 'reject'] }, fillSchema()] };
    case 'list': {
      const list = {
        type: 'array',
        items: schemaOf(shape.of),
        minItems: shape.min,
        maxItems: shape.max,
        uniqueItems: shape.unique === true,
      };
      return shape.oneAllowed ? { anyOf: [schemaOf(shape.of), list] } : list;
    }
    case 'map':
      return {
        type: 'object',
        propertyNames: { minLength: 1, pattern: TEXT_RULES[shape.keys].pattern },
        minProperties: shape.min,
        additionalProperties: schemaOf(shape.of),
      };
    case 'object':
      return withShorthand(shape, objectSchema(shape));
  }
}

function fillSchema(): Schema {
  return {
    type: 'object',
    properties: { fill: { type: ['number', 'string', 'boolean'] } },
    required: ['fill'],
    additionalProperties: false,
  };
}

function objectSchema(shape: ObjectShape): Schema {
  const required = Object.entries(shape.fields).flatMap(([key, field]) => (field.required ? [key] : []));
  return {
    type: 'object',
    properties: Object.fromEntries(Object.entries(shape.fields).map(([key, field]) => [key, fieldSchema(field)])),
    required,
    additionalProperties: false,
    ...(shape.choose === undefined
      ? {}
      : { oneOf: shape.choose.map((choice) => choiceSchema(choice, shape.choose ?? [])) }),
  };
}

function fieldSchema(field: Field): Schema {
  return {
    description: `${field.doc} Takes: ${sayShape(field.type)}.`,
    ...(field.default === undefined ? {} : { default: field.default }),
    ...schemaOf(field.type),
  };
}

function choiceSchema(choice: Choice, all: readonly Choice[]): Schema {
  const own = new Set([...choice.needs, ...choice.may]);
  const foreign = all.flatMap(({ needs, may }) => [...needs, ...may]).filter((key) => !own.has(key));
  return { required: choice.needs, properties: Object.fromEntries(foreign.map((key) => [key, false])) };
}

function withShorthand({ fields, shorthand }: ObjectShape, full: Schema): Schema {
  const keys = [...new Set([shorthand?.text, shorthand?.list])].filter((key) => key !== undefined);
  if (keys.length === 0) return full;
  return { anyOf: [...keys.flatMap((key) => (fields[key] === undefined ? [] : [schemaOf(fields[key].type)])), full] };
}
