import type { ObjectShape } from './field.ts';

const MIB = 2 ** 20;
const DAY_MS = 86_400_000;

/** `output` of the job file. */
export const OUTPUT = {
  kind: 'object',
  fields: {
    uri: {
      type: { kind: 'uri', placeholder: true, glob: false },
      required: true,
      doc: 'The folder of the output. It must not touch the input. With `partitions` it holds `{partition}`.',
      example: '"../out/flight-delay/month={partition}"',
    },
    compression: {
      type: { kind: 'word', values: ['zstd', 'snappy', 'none'] },
      default: 'zstd',
      doc: 'Of the Parquet pages.',
      example: 'snappy',
    },
    rowGroupRows: {
      type: { kind: 'integer', min: 2048, max: 10_000_000 },
      default: 122_880,
      unit: 'rows',
      doc: 'Rows of a row group in the output; one is closed when it has them, with at most 2,047 more.',
      example: '122880',
    },
    lineage: {
      type: { kind: 'flag' },
      default: false,
      doc: 'Adds the columns `scored_at`, `model_name`, `model_version` and `run_id`.',
      example: 'true',
    },
    gcGrace: {
      type: { kind: 'duration', minMs: 0, maxMs: 365 * DAY_MS },
      default: '0s',
      doc: 'How long the parts of a replaced run stay after a commit, for readers that have opened them.',
      example: '10m',
    },
  },
} as const satisfies ObjectShape;

/** `execution` of the job file. */
export const EXECUTION = {
  kind: 'object',
  fields: {
    scorers: {
      type: { kind: 'integerOrAuto', min: 1, max: 256 },
      default: 'auto',
      unit: 'threads',
      doc: 'Batches that are scored at the same time, a core each; `auto` is one a core, on GPUs one a GPU. Two share a process where the memory has room for the model twice.',
      example: '4',
    },
    intraOpThreads: {
      type: { kind: 'integer', min: 1, max: 256 },
      default: 1,
      unit: 'threads',
      doc: 'Threads of one scorer. With more than 1, tree models change in their last bits; more scorers are faster than more threads.',
      example: '1',
    },
    trees: {
      type: { kind: 'word', values: ['auto', 'onnxruntime'] },
      default: 'auto',
      doc: "Who evaluates the trees of a model (forests, boosting): with `auto` prescore itself where it is faster and every bit is the same as ONNX Runtime's with one thread, which is checked when the model is loaded.",
      example: 'onnxruntime',
    },
    exact: {
      type: { kind: 'word', values: ['require', 'prefer', 'off'] },
      default: 'prefer',
      doc: 'Whether a row gets the same bits in every batch. The model is tried at its first use, and its batches are shaped so that it does: filled up to multiples of 8 or 16, or cut into 64 rows ([certify.md](certify.md)). Where nothing helps, `require` refuses the model, `prefer` says so; `off` tries nothing.',
      example: 'require',
    },
    batchRows: {
      type: { kind: 'integerOrAuto', min: 1, max: 2 ** 20 },
      default: 'auto',
      unit: 'rows',
      doc: 'Rows in one call of the model; `auto` is 4096, less for wide rows. On a GPU `auto` tries sizes when the run is planned, and keeps the best in the plan.',
      example: '1024',
    },
    chunkRows: {
      type: { kind: 'integerOrAuto', min: 1, max: 100_000_000 },
      default: 'auto',
      unit: 'rows',
      doc: 'Rows in one unit of work, rounded to whole row groups of the input. A number cuts row groups of 65,536 rows and more as well, so that workers and shards can share one: into up to 16 pieces of at least 32,768 rows, each of which reads it again.',
      example: '500000',
    },
    memory: {
      type: { kind: 'sizeOrAuto', min: MIB, max: 16 * 2 ** 40 },
      default: 'auto',
      doc: 'Ceiling for all processes of the run together. `auto` is half of what the machine or its cgroup has (up to 80 % of less than 2 GiB); it is allowed, not taken.',
      example: '4GiB',
    },
    scratch: {
      type: { kind: 'size', min: MIB, max: 1024 * 2 ** 40 },
      default: '10GiB',
      doc: 'Ceiling for temporary files.',
      example: '50GiB',
    },
    device: {
      type: { kind: 'text', rule: 'device' },
      default: 'cpu',
      doc: 'Where the model runs. `cuda` takes every GPU, `cuda:N` one of them, in the order of the PCI bus. `auto` takes GPUs with CUDA where they can run the model, else the CPU. Any other device is an error where it cannot. See [GPU](gpu.md).',
      example: 'cuda:0',
    },
    cuda: {
      type: {
        kind: 'object',
        fields: {
          tf32: {
            type: { kind: 'flag' },
            default: false,
            doc: 'Whether matrix products of float32 may be rounded to TF32: faster, with 10 bits of mantissa in place of 23.',
            example: 'true',
          },
        },
      },
      default: {},
      doc: 'Options of the CUDA provider. The Node binding of ONNX Runtime passes on no others, such as a memory limit.',
      example: '{ tf32: true }',
    },
    batchDeadline: {
      type: { kind: 'duration', minMs: 1, maxMs: DAY_MS },
      default: '60s',
      doc: 'A batch that takes longer is stopped, and its process with it.',
      example: '5m',
    },
  },
} as const satisfies ObjectShape;

/** `rejects` of the job file. */
export const REJECTS = {
  kind: 'object',
  fields: {
    limit: {
      type: { kind: 'rejectLimit' },
      default: 0,
      unit: 'rows',
      doc: 'How many rows may be rejected. Over it nothing is committed; a higher limit resumes the run.',
      example: '"0.1%"',
    },
  },
} as const satisfies ObjectShape;
