import { existsSync, writeFileSync } from 'node:fs';
import { basename, dirname, relative, resolve } from 'node:path';
import { stringify } from 'yaml';
import type { Job } from '../../base/contract/job.ts';
import { fromErrorJson, PrescoreError } from '../../base/errors/prescore-error.ts';
import { resolveUri } from '../../data/object-store/uri.ts';
import { parseJob } from '../../job/parse/parse-job.ts';
import { listInputs } from '../../run/plan/list-inputs.ts';
import { suggestBinding } from '../../scoring/tensor/suggest-binding.ts';
import { showPath } from '../output/print-summary.ts';
import { JobScorers } from '../processes/scorers.ts';
import { endOnSignal } from '../processes/stop-signals.ts';
import { createStoreResolver } from '../wiring/open-store.ts';

interface InitFlags {
  readonly out: string;
  readonly name?: string;
  readonly output?: string;
  readonly force?: boolean;
}

/** `prescore init MODEL DATA`: looks at both, binds them, and writes a job file that runs as it is. */
export async function initCommand(model: string, data: string, flags: InitFlags): Promise<number> {
  const target = resolve(flags.out);
  if (existsSync(target) && flags.force !== true) {
    throw new PrescoreError('USAGE', {
      what: 'the job file exists already',
      where: flags.out,
      fix: 'Pass --force to replace it, or --out with another name.',
    });
  }
  const name = flags.name ?? jobName(model);
  const from = (text: string): string => seenFrom(target, resolveUri(text, process.cwd()));
  const base = {
    prescore: 1,
    name,
    model: { uri: from(model) },
    input: { uri: from(data) },
    output: { uri: flags.output === undefined ? `out/${name}` : from(flags.output) },
  };
  const job = parse(stringify(base), target);
  const stores = createStoreResolver(job.stores, { env: process.env });
  const scorers = new JobScorers(job, stores, true);
  const done = endOnSignal(() => scorers.kill());
  try {
    const [first] = await listInputs(job, null, stores);
    const { pool, model: info } = await scorers.load();
    const [described] = await pool.describe([{ ...first!, format: 'auto' }]);
    if (described === undefined || !described.ok)
      throw described === undefined
        ? new PrescoreError('INPUT_NOT_FOUND', { what: 'input matched no file', where: data })
        : fromErrorJson(described.error);
    const bound = suggestBinding(info.signature, described.file.columns, base.model.uri);
    const whole = {
      ...base,
      model: { ...base.model, sha256: info.sha256 },
      features: bound.features,
      outputs: bound.outputs,
      ...(bound.id.length > 0 ? { id: bound.id } : {}),
      output: { ...base.output, lineage: true },
    };
    const text = `# Written by prescore init. Every key: docs/job-file.md\n${stringify(whole, { lineWidth: 110, flowCollectionPadding: true })}`;
    parse(text, target);
    writeFileSync(target, text);
    const shown = showPath(target);
    process.stdout.write(
      `wrote ${shown}: ${Object.keys(bound.features).length} inputs bound, predictions ${Object.keys(bound.outputs).join(', ')}${bound.id.length > 0 ? `, id ${bound.id.join(', ')}` : ''}\n`,
    );
    for (const note of bound.notes) process.stdout.write(`note: ${note}\n`);
    process.stdout.write(`next: prescore run ${shown} --sample 5, then prescore run ${shown}\n`);
    return 0;
  } finally {
    done();
    await scorers.close();
    await stores.close();
  }
}

function parse(text: string, target: string): Job {
  return parseJob(text, { path: target, baseUri: dirname(target), resolveUri });
}

// Local files are named as seen from the job file, so that the folder can be moved as a whole.
function seenFrom(target: string, uri: string): string {
  if (!uri.startsWith('/')) return uri;
  const near = relative(dirname(target), uri);
  return near.startsWith('../../../..') ? uri : near;
}

function jobName(model: string): string {
  const stem = basename(model)
    .replace(/\.onnx$/i, '')
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/^[^a-z0-9]+/, '');
  return stem.slice(0, 64) || 'job';
}
