/* The benchmark: `npm run bench -- heavy|forest|light|mixed|lists|files|row-groups|wide|activations|memory|redis-load|queue|lookup|live|gpu`. See bench/README.md. */
import { compare } from './compare.ts';
import { gpuCase } from './gpu/gpu-case.ts';
import { httpCase } from './http-case.ts';
import { memoryCase } from './memory-case.ts';
import { isHttpCase, readOptions, USAGE } from './options.ts';
import { note } from './paths.ts';
import { queueCase } from './queue-case.ts';
import { redisCase } from './redis-case.ts';

const options = readOptions(process.argv.slice(2));
if (options === null) {
  note(USAGE);
  process.exitCode = 2;
} else if (options.case === 'memory') await memoryCase(options);
else if (options.case === 'redis-load') await redisCase(options);
else if (options.case === 'queue') await queueCase(options);
else if (options.case === 'gpu') process.exitCode = await gpuCase(options);
else if (isHttpCase(options.case)) await httpCase(options, options.case);
else await compare(options, options.case);
