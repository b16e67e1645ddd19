import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { readProc } from './memory.ts';
import { note, ROOT } from './paths.ts';
import { pinnedVersions } from './python-env.ts';

// Above this, other work on the machine shows in the figures.
const QUIET_LOAD = 0.3;

/** Facts without which a figure says nothing; taken before the benchmark itself loads the machine. */
export function machineFacts(): Record<string, string> {
  if (loadavg()[0]! > QUIET_LOAD)
    note(`the machine is not quiet (load ${loadavg()[0]!.toFixed(2)}): expect wide spreads`);
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: String(availableParallelism()),
    memory: `${(totalmem() / 2 ** 30).toFixed(1)} GiB`,
    kernel: release(),
    // BBR paces loopback as well: some replies of a store come 20 to 25 ms late.
    'tcp congestion control': readProc('/proc/sys/net/ipv4/tcp_congestion_control').trim() || 'unknown',
    'load before': loadavg()[0]!.toFixed(2),
    ...libraryVersions(),
  };
}

function libraryVersions(): Record<string, string> {
  const base = pinnedVersions('base');
  const peers = pinnedVersions('peers');
  return {
    node: process.versions.node,
    prescore: packageVersion('.'),
    duckdb: packageVersion('node_modules/@duckdb/node-api'),
    'onnxruntime-node': packageVersion('node_modules/onnxruntime-node'),
    'onnxruntime (Python)': base['onnxruntime']!,
    'pyarrow (python)': base['pyarrow']!,
    numpy: base['numpy']!,
    daft: `${peers['daft']} (pyarrow ${peers['pyarrow']})`,
    ray: `${peers['ray']} (pyarrow ${peers['pyarrow']})`,
  };
}

function packageVersion(folder: string): string {
  const text = readFileSync(join(ROOT, folder, 'package.json'), 'utf8');
  return String((JSON.parse(text) as { version?: unknown }).version);
}
