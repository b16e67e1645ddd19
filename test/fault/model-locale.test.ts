import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Duck, quoteText } from '../../src/data/duckdb/duckdb.ts';
import { missingLocale } from '../../src/model/onnx/missing-locale.ts';
import { prescore } from '../harness/cli.ts';
import { pinnedModel } from '../harness/model-files.ts';
import { readOutput } from '../harness/read-parquet.ts';
import { expectRefusal } from '../harness/refusal.ts';
import { tempFolder, writeJob } from '../harness/temp-job.ts';

/** `u = lower case of t[N]`, by StringNormalizer of opset 10. */
const MODEL =
  'CAg6ewpSCgF0EgF1IhBTdHJpbmdOb3JtYWxpemVyKh4KEmNhc2VfY2hhbmdlX2FjdGlvbiIFTE9XRVKgAQMqGAoRaXNfY2FzZV9zZW5zaXRpdmUYAKABAhIB' +
  'dFoQCgF0EgsKCQgIEgUKAxIBTmIQCgF1EgsKCQgIEgUKAxIBTkIECgAQCg==';
const TEXTS = ['Straße', 'ÄÖÜ', 'ΣΊΣΥΦΟΣ', ''];
/** glibc's C.UTF-8 has the same rules for letters as en_US.UTF-8, under another name. */
const SAME_RULES = ['/usr/lib/locale/C.utf8', '/usr/lib/locale/C.UTF-8'].find((path) => existsSync(path));

/** The only locales there are, in what `LOCPATH` names. */
function locales(isThere: boolean): Record<string, string> {
  const folder = tempFolder();
  if (isThere) symlinkSync(SAME_RULES!, join(folder, 'en_US.UTF-8'));
  return { LOCPATH: folder };
}

async function textJob(): Promise<{ job: string; out: string }> {
  const folder = tempFolder();
  const path = join(folder, 'model.onnx');
  writeFileSync(path, Buffer.from(MODEL, 'base64'));
  mkdirSync(join(folder, 'duck'));
  const duck = await Duck.open({ memoryBytes: 2 ** 26, scratchDir: join(folder, 'duck'), scratchBytes: 2 ** 30 });
  const rows = TEXTS.map((text, i) => `(${i}, ${quoteText(text)})`).join(', ');
  await duck.run(`copy (select * from (values ${rows}) t(id, t)) to ${quoteText(join(folder, 'in.parquet'))}`);
  duck.close();
  const job = writeJob(folder, {
    model: pinnedModel(path),
    input: { uri: join(folder, 'in.parquet') },
    features: { t: ['t'] },
    outputs: { u: 'u' },
    id: ['id'],
    output: { uri: join(folder, 'out') },
    execution: { scorers: 1 },
  });
  return { job, out: join(folder, 'out') };
}

describe.runIf(process.platform === 'linux')('a model that normalizes texts', () => {
  it('is refused by the name of the locale that is missing, with the line that installs it', async () => {
    const { job } = await textJob();
    const says =
      /in the locale en_US\.UTF-8.*does not have.*localedef -i en_US -f UTF-8 en_US\.UTF-8.*glibc-langpack-en/;
    const env = { ...locales(false), LANG: 'C.UTF-8', LC_ALL: 'C.UTF-8' };
    await expectRefusal(['run', job], { exit: 5, code: 'MODEL_LOCALE', says }, { env });
    await expectRefusal(['run', job, '--sample', '2'], { exit: 5, code: 'MODEL_LOCALE', says }, { env });
    const doctor = await prescore(['doctor', job], { env });
    expect(doctor.code).toBe(5);
    expect(doctor.stdout).toMatch(/^fail +model +MODEL_LOCALE: .*en_US\.UTF-8.*\n +-> .*localedef/m);
    expect(doctor.stdout).toMatch(/^warn +locale +en_US\.UTF-8 is missing.*\n +-> .*localedef/m);
  });

  it('is scored where the locale is there', async () => {
    expect(SAME_RULES).toBeDefined();
    const { job, out } = await textJob();
    const env = locales(true);
    const run = await prescore(['run', job], { env });
    expect([run.code, run.stderr]).toEqual([0, expect.not.stringContaining('MODEL_')]);
    expect((await readOutput(out)).map((row) => row['u'])).toEqual(['straße', 'äöü', 'σίσυφοσ', '']);
    expect((await prescore(['doctor'], { env })).stdout).toMatch(/^ok +locale +en_US\.UTF-8/m);
  });
});

describe('the line that installs a locale', () => {
  const said = (name: string): string => {
    const text = `Failed to construct locale with name:${name}:locale::facet::_S_create_c_locale name not valid:Please`;
    return missingLocale(text, 'm.onnx', null)?.message ?? '';
  };

  it('is that of the locale, and of nothing that a model could slip in', () => {
    expect(said('de_DE.UTF-8')).toContain('localedef -i de_DE -f UTF-8 de_DE.UTF-8');
    expect(said('pt_BR')).toContain('localedef -i pt_BR -f UTF-8 pt_BR');
    for (const name of ['$(reboot)', 'en_US.UTF-8;reboot', '', 'en-US', 'tr_TR@euro`x`'])
      expect(said(name)).toMatch(/^MODEL_LOCALE: .*export the model with the locale en_US\.UTF-8/);
    expect(missingLocale('Opset 99 is under development', 'm.onnx', null)).toBeNull();
  });
});
