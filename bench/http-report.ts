import { CONNECTIONS, medianOf, type Taken } from './closed-loop.ts';
import { MANY } from './http-bodies.ts';
import type { OpenLoop } from './open-loop.ts';
import { openRatios, printOpenLoop } from './open-report.ts';
import type { HttpCase, Options } from './options.ts';
import { hundredths, printTable, writeResults } from './report.ts';
import { spread } from './statistics.ts';

/** Least that a whole series has; `seconds` of all rounds, as many short ones are as good as few long ones. */
const FULL = { rows: 300_000, runs: 5, seconds: 20 };

/** What was measured; `singles` by server, prescore first. */
export interface Found {
  readonly singles: ReadonlyMap<string, readonly Taken[]>;
  readonly many: readonly Taken[];
  readonly alone: readonly Taken[];
  readonly open: OpenLoop;
}

/** Prints what was found and writes it down. */
export function report(name: HttpCase, machine: Record<string, string>, options: Options, found: Found): void {
  const medians = [...found.singles].map(([server, all]) => ({ server, ...medianOf(all) }));
  const own = medians[0]!;
  const [many, alone] = [medianOf(found.many), medianOf(found.alone)];
  const against = medians.slice(1).map((peer) => {
    const theirs = found.singles.get(peer.server)!;
    const pairs = found.singles.get(own.server)!.map((t, i) => t.perSecond / theirs[i]!.perSecond);
    const perSecond = { ...spread(pairs), median: own.perSecond / peer.perSecond };
    return { server: peer.server, perSecond, p50: own.p50 / peer.p50, p99: own.p99 / peer.p99 };
  });
  const ratios = {
    against,
    manyPerKey: (many.perSecond * MANY) / alone.perSecond,
    manyPerKeyAtCapacity: (many.perSecond * MANY) / own.perSecond,
    open: openRatios(found.open),
  };
  printTable(Object.entries(machine));
  process.stdout.write(`\n${name}: ${CONNECTIONS} connections, ${options.runs} rounds of ${options.seconds} s\n\n`);
  const cells = (label: string, t: Taken): string[] => [
    label,
    t.perSecond.toFixed(0),
    t.p50.toFixed(2),
    t.p99.toFixed(2),
    t.serverCpu.toFixed(2),
    t.redisCpu.toFixed(2),
    t.generatorCpu.toFixed(2),
    String(t.bad),
  ];
  const unit = name === 'lookup' ? 'keys' : 'rows';
  printTable([
    ['', 'requests/s', 'p50 ms', 'p99 ms', 'server CPU s', "Redis' CPU s", 'generator CPU s', 'bad'],
    ...medians.map((m) => cells(m.server, m)),
    cells(`one connection, one of the ${unit}`, alone),
    cells(`one connection, ${MANY} ${unit}`, many),
  ]);
  process.stdout.write('\n');
  for (const { server, perSecond, p50, p99 } of against) {
    process.stdout.write(
      `prescore answers ${hundredths(perSecond)} times the requests of ${server}; its p50 is ${p50.toFixed(3)}, its p99 ${p99.toFixed(3)} of the peer's\n`,
    );
  }
  process.stdout.write(
    `${MANY} ${unit} in one request: ${ratios.manyPerKey.toFixed(1)} times the ${unit} a second of single requests on one connection, ${ratios.manyPerKeyAtCapacity.toFixed(1)} times those of ${CONNECTIONS} connections; p50 ${many.p50.toFixed(2)} ms\n\n`,
  );
  printOpenLoop(name, options.openRows, found.open);
  const { rows, runs, seconds, openRows } = options;
  const isWhole = rows >= FULL.rows && runs >= FULL.runs && runs * seconds >= FULL.seconds;
  const results = {
    case: name,
    date: new Date().toISOString(),
    machine,
    rows,
    runs,
    seconds,
    openRows,
    connections: CONNECTIONS,
    ratios,
    medians,
    many,
    alone,
    rounds: Object.fromEntries(found.singles),
    open: found.open,
  };
  process.stdout.write(`\n${writeResults(name, isWhole, results)}\n`);
}
