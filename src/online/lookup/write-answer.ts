import type { PredictionValue } from '../../base/contract/prediction-set.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { bodyOf } from '../http/http-status.ts';
import type { AskedKey } from '../live/asked-key.ts';
import type { Answer, AnswerTimes, GivenAnswer } from './set-server.ts';

/** The last origin that was written; most answers of a set have the same. */
let origin: { readonly of: GivenAnswer; readonly text: string } | null = null;

/** Members of an answer's object, without braces. Errors: none. */
export function writeAnswer({ key }: AskedKey, answer: Answer): string {
  const named = `"key":${JSON.stringify(key)}`;
  if (answer instanceof PrescoreError) return `${named},"error":${JSON.stringify(bodyOf(answer))}`;
  const why = answer.reason === null ? '' : `,"reason":"${answer.reason}"`;
  return `${named},"source":"${answer.source}"${why},"values":${writeValues(answer.values)},${originOf(answer)},"ageMs":${Math.round(answer.ageMs)}`;
}

/** Stages that a request went through, in milliseconds: as JSON, and as a Server-Timing header without those that took no time. */
export function writeTimes(times: AnswerTimes, totalMs: number): { readonly json: string; readonly header: string } {
  const [lookup, features, queue] = [ms(times.lookupMs), ms(times.featuresMs), ms(times.queueMs)];
  const [compute, total] = [ms(times.computeMs), ms(totalMs)];
  const json = `{"lookupMs":${lookup},"featuresMs":${features},"queueMs":${queue},"computeMs":${compute},"totalMs":${total}}`;
  let header = `lookup;dur=${lookup}`;
  if (times.featuresMs > 0) header += `, features;dur=${features}`;
  if (times.queueMs > 0) header += `, queue;dur=${queue}`;
  if (times.computeMs > 0) header += `, compute;dur=${compute}`;
  return { json, header: `${header}, total;dur=${total}` };
}

/**
 * Values as JSON. A 64-bit integer is a number where a double holds it exactly, else a text; NaN and the infinities, which JSON
 * lacks, are the texts "NaN", "Infinity" and "-Infinity".
 */
export function writeValues(values: Readonly<Record<string, PredictionValue>>): string {
  let text = '';
  for (const name in values) text += `${text === '' ? '' : ','}${nameOf(name)}:${writeValue(values[name]!)}`;
  return `{${text}}`;
}

function writeValue(value: PredictionValue): string {
  switch (typeof value) {
    case 'number':
      if (!Number.isFinite(value)) return `"${value}"`;
      return Object.is(value, -0) ? '-0' : String(value);
    case 'string':
      return JSON.stringify(value);
    case 'bigint':
      return Number.isSafeInteger(Number(value)) ? String(value) : `"${value}"`;
    case 'boolean':
      return value ? 'true' : 'false';
    default:
      return value === null ? 'null' : `[${value.map(writeValue).join(',')}]`;
  }
}

// Names of columns repeat in every answer.
const names = new Map<string, string>();

function nameOf(name: string): string {
  const known = names.get(name);
  if (known !== undefined) return known;
  const text = JSON.stringify(name);
  if (names.size < 1_000) names.set(name, text);
  return text;
}

function originOf(answer: GivenAnswer): string {
  const { runId, model, scoredAt } = answer;
  const last = origin?.of;
  if (last !== undefined && last.model === model && last.runId === runId && last.scoredAt === scoredAt)
    return origin!.text;
  const text = `"runId":${JSON.stringify(runId)},"model":${JSON.stringify(model)},"scoredAt":${JSON.stringify(scoredAt)}`;
  origin = { of: answer, text };
  return text;
}

/** `.001` to `.999`: to write the fraction of a double costs four times as much. */
const FRACTIONS = Array.from({ length: 1000 }, (_, i) => (i === 0 ? '' : `.${String(i).padStart(3, '0')}`));

function ms(value: number): string {
  const micros = Math.max(0, Math.round(value * 1000));
  return `${Math.floor(micros / 1000)}${FRACTIONS[micros % 1000]}`;
}
