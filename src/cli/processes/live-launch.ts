import { getCompileCacheDir } from 'node:module';
import type { LiveLaunch } from '../../inference/child/live-process.ts';

/** What a live scorer child keeps of this process's environment: it reads no store and needs no credentials. */
const KEPT = ['PATH', 'HOME', 'TMPDIR', 'TZ', 'LANG', 'LC_ALL', 'LD_LIBRARY_PATH', 'SystemRoot'] as const;

/** How live scorer children are started. `scorerEnvironment` says why ONNX Runtime and the allocator are told what they are. */
export function liveLaunch(): LiveLaunch {
  const isSource = import.meta.url.endsWith('.ts');
  const kept = KEPT.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]] as const]));
  return {
    entry: new URL(isSource ? '../live-main.ts' : './live-main.js', import.meta.url),
    env: {
      ...Object.fromEntries(kept),
      MALLOC_ARENA_MAX: '2',
      ORT_DISABLE_TELEMETRY: '1',
      NODE_COMPILE_CACHE: getCompileCacheDir() ?? '',
    },
  };
}
