import type { Recognised } from './file-kinds.ts';
import { type FileSample, latin1 } from './file-sample.ts';

/** A file that is text, by how it begins. Errors: none. */
export function textKind(sample: FileSample): Recognised | null {
  const text = plainText(sample.head);
  if (text === null) return null;
  const start = text.trimStart();
  const lower = start.slice(0, 64).toLowerCase();
  if (lower.startsWith('version https://git-lfs')) return { kind: 'lfs' };
  if (start.startsWith('<')) return markupKind(start, lower);
  if (/^tree\r?\nversion=/.test(text))
    return { kind: 'lightgbm-text', ...features(/^max_feature_idx=(\d+)\s*$/m, text, 1) };
  if (/^booster\[0\]:/.test(text)) return { kind: 'xgboost-dump' };
  if (/^[{[]/.test(start)) return jsonKind(start, latin1(sample.tail));
  if (/^\s*prescore(-\w+)?\s*:/m.test(text.slice(0, 4096))) return { kind: 'job' };
  if (/^flavors:/m.test(text)) return { kind: 'mlflow' };
  if (isDelimited(text)) return { kind: 'csv' };
  return { kind: /^(---\s*$|[\w-]+:(\s|$))/m.test(start.slice(0, 200)) ? 'yaml' : 'text' };
}

// A head that was cut may end inside a character; anything else that is no text has bytes that texts do not have.
function plainText(head: Uint8Array): string | null {
  if (head.length === 0) return null;
  const isWide = (head[0] === 0xff && head[1] === 0xfe) || (head[0] === 0xfe && head[1] === 0xff);
  if (isWide) return new TextDecoder(head[0] === 0xff ? 'utf-16le' : 'utf-16be').decode(head);
  const text = latin1(head).replace(/^\xef\xbb\xbf/, '');
  return /[\x00-\x08\x0e-\x1a\x1c-\x1f]/.test(text) ? null : text;
}

function markupKind(start: string, lower: string): Recognised {
  if (start.startsWith('<stata_dta>')) return { kind: 'stata' };
  const [, code] = /<Error>[\s\S]{0,2000}?<Code>([A-Za-z]{1,60})<\/Code>/.exec(start) ?? [];
  if (code !== undefined) return { kind: 'store-error', note: code };
  if (/<PMML[\s>]/.test(start)) return { kind: 'pmml' };
  if (/<net\s+name=/.test(start)) return { kind: 'openvino' };
  if (lower.startsWith('<!doctype') || lower.startsWith('<html') || /<html[\s>]/i.test(start)) return { kind: 'page' };
  return { kind: 'xml' };
}

function jsonKind(start: string, tail: string): Recognised {
  if (
    /^\{\s*"learner"\s*:/.test(start) ||
    (/^\{\s*"(version|Config)"\s*:/.test(start) && /"gradient_booster"/.test(start + tail))
  )
    return { kind: 'xgboost-json', ...features(/"num_feature"\s*:\s*"(\d+)"/, start + tail, 0) };
  if (/^\{\s*"name"\s*:\s*"tree"\s*,\s*"version"/.test(start)) return { kind: 'lightgbm-json' };
  if (/"oblivious_trees"|"float_features_index"|"features_info"/.test(start)) return { kind: 'catboost-json' };
  if (/^\[\s*\{\s*"nodeid"/.test(start)) return { kind: 'xgboost-dump' };
  const [first, second] = start.split(/\r?\n/);
  const isLines =
    start.startsWith('{') && isJson(first!) && (second === undefined || second === '' || /^\s*\{/.test(second));
  return { kind: isLines ? 'jsonl' : 'json' };
}

function isJson(line: string): boolean {
  try {
    JSON.parse(line);
    return true;
  } catch {
    return false;
  }
}

// The same number of one separator in the first lines, quoted parts aside.
function isDelimited(text: string): boolean {
  const lines = text.split(/\r?\n/, 6).slice(0, 5);
  const whole = lines.filter((line, i) => line !== '' && (i < lines.length - 1 || lines.length < 3));
  const counts = (separator: string): number[] =>
    whole.map((line) => line.replace(/"[^"]*"/g, '').split(separator).length - 1);
  return [',', '\t', ';', '|'].some((separator) => {
    const [first = 0, ...others] = counts(separator);
    return first > 0 && others.every((count) => count === first);
  });
}

function features(pattern: RegExp, text: string, more: number): { readonly features?: number } {
  const found = pattern.exec(text)?.[1];
  return found === undefined ? {} : { features: Number(found) + more };
}
