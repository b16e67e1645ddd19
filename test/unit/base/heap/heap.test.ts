import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { ChurnMap, ChurnSet } from '../../../../src/base/heap/churn-map.ts';

function run(program: string, kind: string, ...flags: string[]): string {
  const path = fileURLToPath(new URL(program, import.meta.url));
  return execFileSync(process.execPath, ['--disable-warning=ExperimentalWarning', ...flags, path, kind], {
    encoding: 'utf8',
  });
}

describe('maps for entries that come and go', () => {
  it('do what a Map does', () => {
    const [own, plain] = [new ChurnMap<number, number>(), new Map<number, number>()];
    for (let i = 0; i < 20_000; i++) {
      // Mostly few keys again and again, now and then one of many.
      const key = (i * 7919) % (i % 10 === 0 ? 2_000 : 53);
      if ((i * 31) % 7 < 4) {
        own.set(key, i);
        plain.set(key, i);
      } else expect(own.delete(key)).toBe(plain.delete(key));
      expect(own.size).toBe(plain.size);
      expect(own.get(key)).toBe(plain.get(key));
    }
    expect([...own]).toEqual([...plain]);
    expect([...own.keys()]).toEqual([...plain.keys()]);
  });

  it('as sets keep each item once, in the order of addition', () => {
    const set = new ChurnSet<number>();
    for (let i = 0; i < 1_000; i++) {
      set.add(i);
      if (i >= 10) set.delete(i - 10);
    }
    set.add(995);
    expect(set.size).toBe(10);
    expect([...set]).toEqual([990, 991, 992, 993, 994, 995, 996, 997, 998, 999]);
  });

  it('leave their dead entries to a young collection; a Map keeps them', () => {
    // Room enough that no full collection comes between.
    const flags = ['--expose-gc', '--initial-old-space-size=1024'];
    expect(Number(run('churn.ts', 'churn', ...flags))).toBeLessThan(3);
    expect(Number(run('churn.ts', 'map', ...flags))).toBeGreaterThan(10);
  });
});

describe('the garbage of servers', () => {
  const flag = '--trace-pretenuring-statistics';

  it('stays young where V8 would make it old from the start', () => {
    expect(run('pile-up.ts', 'young', flag)).not.toContain('tenure');
    expect(run('pile-up.ts', 'plain', flag)).toContain('tenure');
  });
});
