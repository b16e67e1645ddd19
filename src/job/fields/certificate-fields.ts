/** `certificate.json`, version 1, as data: its JSON Schema and the table in docs come from here. It is written by prescore alone. */
import { EXACT_POLICIES } from '../../base/contract/exact.ts';
import type { ObjectShape } from './field.ts';

const COUNT = { kind: 'integer', min: 0, max: 2 ** 53 - 1 } as const;
const TEXT = { kind: 'label' } as const;
const POLICY = { kind: 'word', values: EXACT_POLICIES } as const;
const CELLS = { kind: 'list', of: { kind: 'constant' }, min: 0, max: 2 ** 31 } as const;

const BATCH = {
  kind: 'object',
  fields: {
    inputs: {
      type: {
        kind: 'map',
        keys: 'tensor',
        keysSay: 'input tensor to its values',
        of: {
          kind: 'object',
          fields: {
            type: { type: TEXT, required: true, doc: 'Element type.', example: 'float32' },
            dims: {
              type: { kind: 'list', of: COUNT, min: 0, max: 32 },
              required: true,
              doc: 'Shape.',
              example: '[2, 4]',
            },
            data: { type: CELLS, required: true, doc: 'Values, row by row.', example: '[0.5, 1, "NaN", 2]' },
          },
        },
        min: 0,
      },
      required: true,
      doc: 'What the model is fed.',
      example: '{ x: { type: float32, dims: [1, 1], data: [0.5] } }',
    },
    row: { type: COUNT, required: true, doc: 'Place of the row in the batch, from 0.', example: '0' },
    values: { type: CELLS, required: true, doc: 'What the row gets.', example: '[0.25]' },
  },
} as const satisfies ObjectShape;

export const CERTIFICATE_SHAPE = {
  kind: 'object',
  fields: {
    format: { type: { kind: 'integer', min: 1, max: 1 }, required: true, doc: 'Version of this format.', example: '1' },
    createdAt: { type: TEXT, required: true, doc: 'ISO, UTC.', example: '"2026-11-30T19:00:00.000Z"' },
    modelSha256: { type: TEXT, required: true, doc: 'Digest of the model.', example: '0123456789abcdef…' },
    runtime: {
      type: {
        kind: 'object',
        fields: {
          prescore: { type: TEXT, required: true, doc: 'Version of prescore.', example: '0.1.0' },
          onnxruntime: { type: TEXT, required: true, doc: 'Version of ONNX Runtime.', example: '1.30.0' },
        },
      },
      required: true,
      doc: 'What scored.',
      example: '{ prescore: 0.1.0, onnxruntime: 1.30.0 }',
    },
    provider: { type: { kind: 'word', values: ['cpu'] }, required: true, doc: 'Execution provider.', example: 'cpu' },
    host: { type: TEXT, required: true, doc: 'Instruction set of the machine.', example: 'x64 AuthenticAMD avx2 fma' },
    threads: { type: COUNT, required: true, doc: 'Threads that share a batch.', example: '1' },
    engine: {
      type: { kind: 'word', values: ['onnxruntime', 'trees'] },
      required: true,
      doc: "Who evaluates the model's trees.",
      example: 'trees',
    },
    depth: {
      type: { kind: 'word', values: ['quick', 'full'] },
      required: true,
      doc: '`quick`: at the first use of the model. `full`: by `prescore certify`.',
      example: 'full',
    },
    mostRows: { type: COUNT, required: true, doc: 'Rows of the largest batch that was to be tried.', example: '4096' },
    processes: { type: COUNT, required: true, doc: 'Processes that gave the same answers.', example: '2' },
    graph: {
      type: {
        kind: 'list',
        of: {
          kind: 'object',
          fields: {
            operator: { type: TEXT, required: true, doc: 'Operator.', example: 'Softmax' },
            node: { type: TEXT, required: true, doc: 'Node, or its first output.', example: 'softmax_0' },
            why: {
              type: { kind: 'word', values: ['quantization', 'random', 'training', 'batch axis'] },
              required: true,
              doc: 'What it can do.',
              example: 'batch axis',
            },
          },
        },
        min: 0,
        max: 1_000_000,
      },
      required: true,
      doc: 'Nodes that can make a row depend on other rows, or on chance. The trial decides.',
      example: '[]',
    },
    policy: {
      type: POLICY,
      doc: 'The cheapest policy under which no bit differed; absent where there is none.',
      example: 'pad8',
    },
    why: {
      type: { kind: 'word', values: ['neighbours', 'quantization', 'random', 'size', 'threads', 'untried'] },
      doc: 'Why there is none; absent where there is one.',
      example: 'neighbours',
    },
    rows: { type: COUNT, required: true, doc: 'Different rows that were scored.', example: '5152' },
    realRows: { type: COUNT, required: true, doc: 'Those that came from data.', example: '4096' },
    sizes: {
      type: { kind: 'list', of: COUNT, min: 0, max: 1000 },
      required: true,
      doc: 'Rows of the batches in which they were. Shorter where time was short.',
      example: '[1, 2, 3, 4096]',
    },
    trials: {
      type: {
        kind: 'list',
        of: {
          kind: 'object',
          fields: {
            policy: { type: POLICY, required: true, doc: 'Policy.', example: 'plain' },
            holds: { type: { kind: 'flag' }, required: true, doc: 'Whether no bit differed.', example: 'false' },
            failedAt: { type: COUNT, doc: 'Rows of the first batch with another bit; absent without.', example: '1' },
          },
        },
        min: 0,
        max: 10,
      },
      required: true,
      doc: 'The policies, as they were tried.',
      example: '[{ policy: plain, holds: true }]',
    },
    costs: {
      type: {
        kind: 'list',
        of: {
          kind: 'object',
          fields: {
            policy: { type: POLICY, required: true, doc: 'Policy.', example: 'plain' },
            rows: { type: COUNT, required: true, doc: 'Rows of a batch.', example: '64' },
            rowsPerSecond: { type: COUNT, required: true, doc: 'Of one thread.', example: '500000' },
          },
        },
        min: 0,
        max: 1000,
      },
      required: true,
      doc: 'What policies cost by the size of batches; empty in a quick one.',
      example: '[]',
    },
    answers: {
      type: { kind: 'label' },
      required: true,
      doc: 'Digest of the answers to a few made-up rows: equal where two machines give the same bits. Empty without a policy.',
      example: '""',
    },
    counterexample: {
      type: {
        kind: 'object',
        fields: {
          output: {
            type: { kind: 'text', rule: 'tensor' },
            required: true,
            doc: 'Output that differs.',
            example: 'score',
          },
          a: { type: BATCH, required: true, doc: 'A batch with the row.', example: '{}' },
          b: { type: BATCH, required: true, doc: 'Another batch with the same row.', example: '{}' },
        },
      },
      doc: 'Two batches that prove that a row gets other bits; absent where there is a policy, or where they are too large.',
      example: '{ output: score, a: {}, b: {} }',
    },
  },
} as const satisfies ObjectShape;
