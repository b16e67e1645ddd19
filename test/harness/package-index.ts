import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { sha256 } from './gpu-place.ts';

export interface PackageIndex {
  /** What pip needs to use it and nothing else. */
  readonly env: Readonly<Record<string, string>>;
  /** Method and name of each wheel that was asked for, in order. */
  readonly asked: readonly string[];
}

/**
 * A package index over the wheels of a folder, as pip knows them: pages of links with digests, and metadata on its own. `digest` may tell another
 * digest than the file has.
 */
export async function packageIndex(
  folder: string,
  digest = (_file: string, real: string): string => real,
): Promise<PackageIndex> {
  const asked: string[] = [];
  const wheels = (): string[] => readdirSync(folder).filter((name) => name.endsWith('.whl'));
  const server = createServer((request, answer) => {
    const path = decodeURIComponent(request.url ?? '');
    const page = /^\/simple\/([^/]+)\/$/.exec(path)?.[1];
    const file = /^\/files\/(.+?\.whl)(\.metadata)?$/.exec(path);
    if (page !== undefined) {
      const named = wheels().filter((name) => name.split('-')[0]?.replaceAll('_', '-') === page);
      const links = named.map((name) => {
        const real = sha256(readFileSync(join(folder, name)));
        return `<a href="/files/${name}#sha256=${digest(name, real)}" data-dist-info-metadata="true">${name}</a>`;
      });
      answer.writeHead(links.length === 0 ? 404 : 200, { 'content-type': 'text/html' }).end(links.join('\n'));
    } else if (file?.[2] !== undefined) answer.end(metadataOf(file[1] ?? ''));
    else if (file !== null) {
      asked.push(`${request.method} ${file[1]}`);
      const bytes = readFileSync(join(folder, file[1] ?? ''));
      answer.writeHead(200, { 'content-length': bytes.length }).end(request.method === 'HEAD' ? undefined : bytes);
    } else answer.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => new Promise((resolve) => server.close(() => resolve())));
  const { port } = server.address() as AddressInfo;
  const none = {
    PIP_FIND_LINKS: '',
    PIP_EXTRA_INDEX_URL: '',
    PIP_CONFIG_FILE: '/dev/null',
    NO_PROXY: '*',
    no_proxy: '*',
  };
  return { env: { ...none, PIP_INDEX_URL: `http://127.0.0.1:${port}/simple/` }, asked };
}

function metadataOf(file: string): string {
  const [name = '', version = ''] = file.split('-');
  return `Metadata-Version: 2.1\nName: ${name.replaceAll('_', '-')}\nVersion: ${version}\n`;
}
