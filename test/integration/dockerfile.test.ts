import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { tempFolder } from '../harness/temp-job.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const run = promisify(execFile);
const text = (name: string): string => readFileSync(join(root, name), 'utf8').replace(/\\\n/g, ' ');

interface Copy {
  /** The stage that it takes from; null for the folder of the build. */
  readonly from: string | null;
  readonly sources: readonly string[];
  readonly target: string;
}

/** The COPY lines of each stage, in order. */
function stages(): readonly (readonly Copy[])[] {
  return text('Dockerfile')
    .split(/^FROM /m)
    .slice(1)
    .map((stage) =>
      [...stage.matchAll(/^COPY (?:--from=(\S+) )?(.+)$/gm)].map(([, from, paths]) => {
        const words = paths!.trim().split(/\s+/);
        return { from: from ?? null, sources: words.slice(0, -1), target: words.at(-1)! };
      }),
    );
}

/** Whether .dockerignore keeps a path out. The last pattern that fits it, or a folder above it, decides. */
function isIgnored(path: string): boolean {
  let ignored = false;
  for (const line of text('.dockerignore')
    .split('\n')
    .filter((l) => l !== '' && !l.startsWith('#'))) {
    const pattern = line.replace(/^!/, '');
    if (pattern === '*' || path === pattern || path.startsWith(`${pattern}/`)) ignored = !line.startsWith('!');
  }
  return ignored;
}

/** COPY as Docker does it: a folder's content, or files into a folder; nothing that .dockerignore keeps out. */
function replay({ sources, target }: Copy, into: string): void {
  for (const source of sources) {
    if (isIgnored(source) || !existsSync(join(root, source))) throw new Error(`COPY ${source}: not found`);
    const isFolder = statSync(join(root, source)).isDirectory();
    const place = !isFolder && target.endsWith('/') ? join(into, target, basename(source)) : join(into, target);
    mkdirSync(dirname(place), { recursive: true });
    cpSync(join(root, source), place, {
      recursive: true,
      filter: (path) => !isIgnored(path.slice(root.length)),
    });
  }
}

describe('the Dockerfile', () => {
  it('copies all that the build needs, and the build makes all that the image takes', {
    timeout: 180_000,
  }, async () => {
    const [build, image] = stages();
    const app = tempFolder();
    for (const copy of build!) replay(copy, app);
    symlinkSync(join(root, 'node_modules'), join(app, 'node_modules'));
    const { build: command } = (JSON.parse(text('package.json')) as { scripts: Record<string, string> }).scripts;
    const [program, ...args] = command!.split(' ');
    expect(program).toBe('node');
    await run(process.execPath, args, { cwd: app });
    for (const { from, sources } of image!) {
      expect(from).toBe('build');
      for (const source of sources.filter((path) => path.startsWith('/app/')))
        expect(existsSync(join(app, source.slice('/app/'.length))), source).toBe(true);
    }
    const { version } = JSON.parse(text('package.json')) as { version: string };
    const { stdout } = await run(process.execPath, [join(app, 'dist/cli/main.js'), '--version']);
    expect(stdout.trim()).toBe(version);
    const help = await run(process.execPath, [join(app, 'dist/cli/main.js'), 'help', 'quick-start']);
    expect(help.stdout).toMatch(/^# Quick start/);
  });

  it('leaves of ONNX Runtime what this platform needs, and that works', async () => {
    const [command] = /find node_modules\/onnxruntime-node\/bin .+/.exec(text('Dockerfile')) ?? [];
    const app = tempFolder();
    mkdirSync(join(app, 'node_modules'));
    // Links, where the file system has them: 290 MB need not be copied.
    for (const name of ['onnxruntime-node', 'onnxruntime-common']) {
      const [from, to] = [join(root, 'node_modules', name), join(app, 'node_modules', name)];
      await run('cp', ['-al', from, to]).catch(() => cpSync(from, to, { recursive: true }));
    }
    await run('sh', ['-c', command!], { cwd: app });
    const bin = join(app, 'node_modules/onnxruntime-node/bin');
    const left = readdirSync(bin).flatMap((napi) =>
      readdirSync(join(bin, napi)).flatMap((platform) =>
        readdirSync(join(bin, napi, platform)).map((arch) => `${platform}/${arch}`),
      ),
    );
    expect(left).toEqual([`${process.platform}/${process.arch}`]);
    const model = JSON.stringify(join(root, 'fixtures/models/delay_histgb.onnx'));
    const open = `require('onnxruntime-node').InferenceSession.create(${model}).then((s) => console.log(s.outputNames.length))`;
    const { stdout } = await run(process.execPath, ['-e', open], { cwd: app });
    expect(Number(stdout)).toBeGreaterThan(0);
  });

  it('brings the locale that models which normalize texts ask for', () => {
    const [made] = /localedef .*-i en_US -f UTF-8 en_US\.UTF-8/.exec(text('Dockerfile')) ?? [];
    expect(made).toBeDefined();
    // The name that localedef gives the folder of en_US.UTF-8.
    expect(stages()[1]!.flatMap(({ sources }) => sources)).toContain('/usr/lib/locale/en_US.utf8');
  });
});
