import type { ObjectShape } from './field.ts';

const MINUTE_MS = 60_000;

/** `limits` of the serve file. */
export const SERVE_LIMITS = {
  kind: 'object',
  fields: {
    body: {
      type: { kind: 'size', min: 128, max: 2 ** 30 },
      default: '1MiB',
      doc: 'Bytes of a body.',
      example: '4MiB',
    },
    rows: {
      type: { kind: 'integer', min: 1, max: 65_536 },
      default: 256,
      unit: 'rows',
      doc: 'Rows with features in one request.',
      example: '1024',
    },
    keys: {
      type: { kind: 'integer', min: 1, max: 65_536 },
      default: 1024,
      doc: 'Keys in one request.',
      example: '4096',
    },
    depth: {
      type: { kind: 'integer', min: 4, max: 1000 },
      default: 16,
      doc: 'Levels of objects and lists in a body.',
      example: '8',
    },
    string: {
      type: { kind: 'size', min: 64, max: 2 ** 26 },
      default: '64KiB',
      doc: 'Bytes of one text in a body.',
      example: '1MiB',
    },
    headers: {
      type: { kind: 'size', min: 1024, max: 2 ** 20 },
      default: '8KiB',
      doc: 'Bytes of the path and of the names and values of all headers.',
      example: '16KiB',
    },
    headerTime: {
      type: { kind: 'duration', minMs: 100, maxMs: 10 * MINUTE_MS },
      default: '5s',
      doc: 'How long headers may take to arrive.',
      example: '2s',
    },
    requestTime: {
      type: { kind: 'duration', minMs: 100, maxMs: 10 * MINUTE_MS },
      default: '10s',
      doc: 'How long a whole request may take to arrive.',
      example: '5s',
    },
    idleTime: {
      type: { kind: 'duration', minMs: 100, maxMs: 60 * MINUTE_MS },
      default: '65s',
      doc: 'How long a connection is kept without a request. Longer than that of the proxy in front.',
      example: '5s',
    },
    connections: {
      type: { kind: 'integer', min: 1, max: 1_000_000 },
      default: 512,
      doc: 'Open connections; more are closed at once.',
      example: '2000',
    },
    inFlight: {
      type: { kind: 'integer', min: 1, max: 1_000_000 },
      default: 256,
      doc: 'Requests in work; more are answered with 503.',
      example: '64',
    },
    queueTime: {
      type: { kind: 'duration', minMs: 1, maxMs: MINUTE_MS },
      default: '10ms',
      doc: 'How much work may go on waiting, in CPU time of the server; half as much may wait for the model that a set is scored by. What comes on top is answered with 503, which bounds the time of what is taken. A burst of a tenth of a second may be twice as much, unless there was too much less than a second before; while most requests are refused, a third (for the model half) of it is enough.',
      example: '25ms',
    },
    lookupTime: {
      type: { kind: 'duration', minMs: 5, maxMs: MINUTE_MS },
      default: '200ms',
      doc: 'How long a lookup may take before the store counts as away.',
      example: '50ms',
    },
    loopDelay: {
      type: { kind: 'duration', minMs: 10, maxMs: MINUTE_MS },
      default: '200ms',
      doc: 'When the server runs this late it answers with 503; at half of it live inference is left out.',
      example: '100ms',
    },
  },
} as const satisfies ObjectShape;
