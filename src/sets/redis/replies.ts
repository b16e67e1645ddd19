import { PrescoreError } from '../../base/errors/prescore-error.ts';
import type { RedisReply } from './connection-types.ts';

/** A text; null when there is none. Errors: PREDICTIONS_CONFIG when the reply is something else. */
export function textOf(reply: RedisReply | undefined): string | null {
  return bytesOf(reply)?.toString('utf8') ?? null;
}

export function bytesOf(reply: RedisReply | undefined): Buffer | null {
  if (reply === null || Buffer.isBuffer(reply)) return reply;
  throw unexpected('bytes');
}

export function numberOf(reply: RedisReply | undefined): number {
  if (typeof reply === 'number') return reply;
  throw unexpected('a number');
}

export function listOf(reply: RedisReply | undefined): readonly RedisReply[] {
  if (Array.isArray(reply)) return reply;
  throw unexpected('a list');
}

/** JSON that prescore has stored. */
export function jsonOf<T>(reply: RedisReply | undefined): T | null {
  const text = textOf(reply);
  if (text === null) return null;
  try {
    return JSON.parse(text) as T;
  } catch {
    throw unexpected('JSON that prescore wrote');
  }
}

function unexpected(expected: string): PrescoreError {
  return new PrescoreError('PREDICTIONS_CONFIG', {
    what: 'the server gave another reply than prescore stores',
    expected,
    fix: 'Look for another program that writes keys beginning with prescore: into this database.',
  });
}
