import { parseArgs } from 'node:util';
import { CASES, type CaseName, FULL_ROWS } from './cases.ts';
import { CONTENDERS, type ContenderName, contendersOf } from './contenders.ts';

/** Cases over HTTP: keys of a set; rows to score; rows to score whose keys are looked up first, and are not in the set. */
const HTTP_CASES = ['lookup', 'live', 'fallback'] as const;
export type HttpCase = (typeof HTTP_CASES)[number];

export function isHttpCase(name: string | undefined): name is HttpCase {
  return (HTTP_CASES as readonly (string | undefined)[]).includes(name);
}

/** What the command line asked for. */
export interface Options {
  readonly case: CaseName | 'memory' | 'redis-load' | 'queue' | 'gpu' | HttpCase;
  readonly runs: number;
  readonly peers: readonly ContenderName[];
  readonly rows: number;
  readonly samplesMemory: boolean;
  readonly store: 'file' | 's3';
  /** Search for the peers' settings again. */
  readonly tunesAgain: boolean;
  /** `execution.memory` of prescore's job. */
  readonly memory: string;
  /** Tiny chunks of the queue case. */
  readonly chunks: number;
  /** Of one measurement over HTTP. */
  readonly seconds: number;
  /** Keys or rows of a request of the open loop. */
  readonly openRows: number;
  /** Of the gpu case. */
  readonly device: string;
}

const LAKE: ReadonlySet<CaseName> = new Set<CaseName>(['files', 'row-groups', 'wide', 'activations']);

/** Predictions in the set of the HTTP cases. */
export const HTTP_ROWS = 336_776;

/** Of the open loop: with few, two cores could not send five times what they can answer, and to refuse costs a large share of it. */
const OPEN_ROWS = 256;

export const USAGE = `npm run bench -- heavy|forest|light|mixed|lists|files|row-groups|wide|activations|memory|redis-load|queue|lookup|live|fallback|gpu [options]
  --runs N          timed rounds (5); memory: runs of each size (1)
  --peers A,B       of ${CONTENDERS.join(', ')} (all; lleaves for heavy alone)
  --rows N          fewer rows than the case has
  --memory          one more run of each contender with its memory sampled
  --store file|s3   where prescore reads and writes (file)
  --tune            search for the peers' best settings again
  --budget SIZE     execution.memory of prescore's job (1GiB; of files, row-groups, wide and activations auto)
  --chunks N        tiny chunks of the queue case (10000)
  --seconds N       of one measurement of lookup, live and fallback (10)
  --open-rows N     keys or rows of a request of their open loop (256)
  --device D        of the gpu case: cuda, cuda:N or webgpu (cuda:0)`;

/** Reads the command line; null when it makes no sense. */
export function readOptions(args: readonly string[]): Options | null {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean', default: false } as const;
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        runs: text,
        peers: text,
        rows: text,
        memory: flag,
        store: text,
        tune: flag,
        budget: text,
        chunks: text,
        seconds: text,
        'open-rows': text,
        device: text,
      },
    });
    const name = positionals[0];
    const isCase =
      isCaseName(name) ||
      name === 'memory' ||
      name === 'redis-load' ||
      name === 'queue' ||
      name === 'gpu' ||
      isHttpCase(name);
    const peers = values.peers?.split(',') ?? contendersOf(name ?? '');
    const isHttp = isHttpCase(name);
    const rows = isHttp
      ? Number(values.rows ?? HTTP_ROWS)
      : Number(values.rows ?? FULL_ROWS[isCaseName(name) ? name : 'heavy']);
    const runs = Number(values.runs ?? (name === 'memory' ? 1 : 5));
    const chunks = Number(values.chunks ?? 10_000);
    const seconds = Number(values.seconds ?? 10);
    const openRows = Number(values['open-rows'] ?? OPEN_ROWS);
    const store = values.store ?? 'file';
    if (!(seconds >= 1)) return null;
    if (!isCase || positionals.length !== 1 || !peers.every(isContender)) return null;
    if (peers.includes('lleaves') && name !== 'heavy') return null;
    if (!(rows > 0 && runs > 0 && Number.isInteger(rows) && Number.isInteger(runs))) return null;
    if (!(chunks >= 20 && Number.isInteger(chunks))) return null;
    if (!(openRows >= 1 && Number.isInteger(openRows))) return null;
    if (store !== 'file' && store !== 's3') return null;
    const { memory: samplesMemory, tune: tunesAgain, budget, device = 'cuda:0' } = values;
    return {
      case: name,
      runs,
      peers,
      rows,
      samplesMemory,
      store,
      tunesAgain,
      // What the default is: two of them have row groups or footers that one GiB is too little for.
      memory: budget ?? (isCaseName(name) && LAKE.has(name) ? 'auto' : '1GiB'),
      chunks,
      seconds,
      openRows,
      device,
    };
  } catch {
    return null;
  }
}

function isCaseName(name: string | undefined): name is CaseName {
  return (CASES as readonly (string | undefined)[]).includes(name);
}

function isContender(name: string): name is ContenderName {
  return (CONTENDERS as readonly string[]).includes(name);
}
