import { stringify } from 'yaml';
import { oneLine } from '../../base/errors/prescore-error.ts';

/** A value of a job file as it is written down. */
export type DraftValue = string | number | boolean | readonly DraftValue[] | { readonly [key: string]: DraftValue };

/** One key of a draft. */
export interface DraftLine {
  readonly key: string;
  /** Lines below the key, or its value; a list may say something of each of its items. */
  readonly value: DraftValue | readonly DraftLine[] | ItemList;
  /** Stands behind the key as a comment. */
  readonly remark?: string;
  /** Writes the key, a plain word, with a question mark, so that the file refuses to run until it is answered. */
  readonly isQuestion?: boolean;
  /** Writes the line as a comment: what could stand there. Its value is of one line. */
  readonly isOff?: boolean;
}

/** A list with an item to a line, each with a comment; an empty text for none. */
export interface ItemList {
  readonly items: readonly (readonly [item: string, comment: string])[];
}

const LONGEST_LINE = 110;
const LONGEST_REMARK = 600;

/** The text of a draft: one key to a line, with what is said of it as a comment on that line. Errors: none. */
export function draftText(head: readonly string[], lines: readonly DraftLine[]): string {
  const top = head.map((text) => `# ${oneLine(text, LONGEST_REMARK)}\n`).join('');
  return `${top}${lines.map((line) => writeLine(line, '')).join('')}`;
}

function writeLine({ key, value, remark, isQuestion, isOff }: DraftLine, indent: string): string {
  const comment = remark === undefined || remark === '' ? '' : ` # ${oneLine(remark, LONGEST_REMARK)}`;
  const start = `${indent}${isOff === true ? '# ' : ''}${isQuestion === true ? `${key}?` : scalar(key)}:`;
  if (isItems(value)) {
    const flow = inLine(value.items.map(([item]) => item));
    const isPlain = value.items.every(([, text]) => text === '');
    if (isPlain && `${start} ${flow}`.length <= LONGEST_LINE) return `${start} ${flow}${comment}\n`;
    const items = value.items.map(([item, text]) => {
      const said = text === '' ? '' : ` # ${oneLine(text, LONGEST_REMARK)}`;
      return `${indent}  - ${scalar(item)}${said}\n`;
    });
    return `${start}${comment}\n${items.join('')}`;
  }
  if (isLines(value)) return `${start}${comment}\n${value.map((line) => writeLine(line, `${indent}  `)).join('')}`;
  return `${start} ${inLine(value)}${comment}\n`;
}

function isLines(value: DraftLine['value']): value is readonly DraftLine[] {
  return Array.isArray(value) && value.length > 0 && value.every((item) => typeof item === 'object' && 'key' in item);
}

function isItems(value: DraftLine['value']): value is ItemList {
  return typeof value === 'object' && !Array.isArray(value) && 'items' in value && Array.isArray(value.items);
}

/** A value on one line, however long: comments stand at the end of lines. */
function inLine(value: DraftValue): string {
  return stringify(value, { collectionStyle: 'flow', lineWidth: 0, flowCollectionPadding: true }).trimEnd();
}

/** A name as key or item; never over several lines. */
function scalar(name: string): string {
  return stringify(name, {
    lineWidth: 0,
    defaultStringType: /^[\w./ -]+$/.test(name) ? 'PLAIN' : 'QUOTE_DOUBLE',
  }).trimEnd();
}
