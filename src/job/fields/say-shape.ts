import { sayDuration, saySize } from '../values/quantities.ts';
import { STORE_URL_SAYS } from '../values/store-url.ts';
import { TEXT_RULES } from '../values/text-rules.ts';
import type { Shape } from './field.ts';

/** What a shape accepts, as the words after "expected"; the same words stand in the documentation. */
export function sayShape(shape: Shape): string {
  switch (shape.kind) {
    case 'text':
      return TEXT_RULES[shape.rule].says;
    case 'word':
      return shape.values.join(' | ');
    case 'flag':
      return 'true or false';
    case 'integer':
      return sayRange(shape.min, shape.max);
    case 'integerOrAuto':
      return `auto, or ${sayRange(shape.min, shape.max)}`;
    case 'duration':
      return `a duration such as 500ms, 60s, 10m, 72h or 7d, from ${sayDuration(shape.minMs)} to ${sayDuration(shape.maxMs)}`;
    case 'size':
      return saySizes(shape.min, shape.max);
    case 'sizeOrAuto':
      return `auto, or ${saySizes(shape.min, shape.max)}`;
    case 'rejectLimit':
      return 'a number of rows, or a share such as "0.1%"';
    case 'storeUrl':
      return STORE_URL_SAYS;
    case 'uri':
      return sayUri(shape.placeholder, shape.glob);
    case 'label':
      return 'a text or a number';
    case 'constant':
      return 'a number, text, true or false, or nested lists of one of these';
    case 'nulls':
      return 'nan | reject | { fill: VALUE }';
    case 'list':
      return `${shape.oneAllowed ? `${sayShape(shape.of)}; one, or a list` : `a list; each: ${sayShape(shape.of)}`}`;
    case 'map':
      return `a map from ${shape.keysSay}`;
    case 'object':
      return `a map with ${Object.keys(shape.fields).join(', ')}`;
  }
}

function sayRange(min: number, max: number): string {
  return min === max ? `the number ${min}` : `a whole number from ${min} to ${max}`;
}

function sayUri(placeholder: boolean, glob: boolean): string {
  const extras = [...(placeholder ? ['{partition}'] : []), ...(glob ? ['* ? ** [abc]'] : [])];
  return `a path, file:///abs/path or s3://bucket/key${extras.length === 0 ? '' : `, with ${extras.join(' and ')}`}`;
}

function saySizes(min: number, max: number): string {
  return `a size such as 512MiB, 1GiB or 64MB, or a number of bytes, from ${saySize(min)} to ${saySize(max)}`;
}
