import type { OpenLevel, OpenLoop } from './open-loop.ts';
import type { HttpCase } from './options.ts';
import { hundredths, printTable, tenths } from './report.ts';
import { type Spread, spread } from './statistics.ts';

/** What the highest load does to a server, within each round: a slow spell of the machine hits all of its levels. */
export interface OpenRatios {
  /** Goodput at the highest load, of the best level's. */
  readonly goodput: Spread;
  /** The same, of the level at twice the capacity; and that level beside a flood for another server, of it without. */
  readonly ofTwice: Spread;
  readonly besideOfTwice: Spread;
  /** p99 of what was answered at the highest load, times that at the lowest. */
  readonly p99: Spread;
}

export function openRatios({ rounds, beside }: OpenLoop): OpenRatios {
  const twice = (round: number): number =>
    rounds[round]!.find(({ factor }) => factor === beside[round]!.factor)!.goodput;
  return {
    ofTwice: spread(rounds.map((levels, round) => levels.at(-1)!.goodput / twice(round))),
    besideOfTwice: spread(beside.map(({ goodput }, round) => goodput / twice(round))),
    goodput: spread(rounds.map((levels) => levels.at(-1)!.goodput / Math.max(...levels.map((l) => l.goodput)))),
    p99: spread(rounds.map((levels) => (levels.at(-1)!.p99 ?? Number.NaN) / (levels[0]!.p99 ?? Number.NaN))),
  };
}

/** Prints the median of each figure over the rounds, and the ratios. */
export function printOpenLoop(name: HttpCase, openRows: number, open: OpenLoop): void {
  const unit = name === 'lookup' ? 'keys' : 'rows';
  const { capacity, rounds } = open;
  process.stdout.write(
    `open loop, ${openRows} ${unit} a request, ${rounds.length} rounds; capacity ${capacity.toFixed(0)} requests/s\n\n`,
  );
  const best = spread(rounds.map((levels) => Math.max(...levels.map((l) => l.goodput)))).median;
  printTable([
    [
      'load',
      'due/s',
      'goodput/s',
      'of peak',
      'p50 ms',
      'p99 ms',
      'p99 ms from sending',
      'refused',
      'p99 of refusals',
      'failed',
      'waited to be sent',
      'MiB first - last - most',
      'generator CPU s',
    ],
    ...rounds[0]!.map((_, i) =>
      row(
        rounds.map((levels) => levels[i]!),
        best,
      ),
    ),
    row(open.beside, best, ' beside'),
  ]);
  const { goodput, p99, ofTwice, besideOfTwice } = openRatios(open);
  const [load, least, twice] = [rounds[0]!.at(-1)!, rounds[0]![0]!, open.beside[0]!].map(({ factor }) => `${factor}x`);
  process.stdout.write(
    `\nat ${load} the goodput is ${hundredths(goodput)} of the round's best, p99 ${hundredths(p99)} times that at ${least}\n` +
      `of the goodput at ${twice}, ${load} has ${hundredths(ofTwice)}; and ${twice} has ${hundredths(besideOfTwice)} while the surplus goes to another server, which only refuses\n`,
  );
}

function row(levels: readonly OpenLevel[], best: number, label = ''): string[] {
  const of = (pick: (level: OpenLevel) => number | null): number | null => {
    const values = levels.map(pick).filter((value) => value !== null);
    return values.length === 0 ? null : spread(values).median;
  };
  const [first] = levels;
  const memory = levels.flatMap((l) => l.memoryMiB);
  const goodput = of((l) => l.goodput)!;
  return [
    `${first!.factor}x${label}`,
    first!.rate.toFixed(0),
    goodput.toFixed(0),
    (goodput / best).toFixed(2),
    tenths(of((l) => l.p50)),
    tenths(of((l) => l.p99)),
    tenths(of((l) => l.sentP99)),
    String(of((l) => l.refused)),
    tenths(of((l) => l.refusedP99)),
    String(Math.max(...levels.map((l) => l.failed))),
    String(Math.max(...levels.map((l) => l.waited))),
    `${memory[0]} - ${memory.at(-1)} - ${Math.max(...memory)}`,
    tenths(of((l) => l.generatorCpu)),
  ];
}
