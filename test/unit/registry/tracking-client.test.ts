import { existsSync, readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { TrackingClient } from '../../../src/registry/import/tracking-client.ts';
import { trackingPlace } from '../../../src/registry/import/tracking-place.ts';
import { tempFolder } from '../../harness/temp-job.ts';

const CREDENTIALS = { MLFLOW_TRACKING_USERNAME: 'ann', MLFLOW_TRACKING_PASSWORD: 'secret' };
const BASIC = `Basic ${Buffer.from('ann:secret').toString('base64')}`;

/** A server that answers as the test says; a real MLflow does not misbehave at wish. */
async function serve(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  const server = createServer(answer);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const clientOf = (url: string, env: Readonly<Record<string, string>> = CREDENTIALS): TrackingClient =>
  new TrackingClient(trackingPlace(url, env));
const nowhere = (): never => expect.unreachable();
const folderAt = (url: string): ReturnType<TrackingClient['folder']> =>
  clientOf(url).folder('mlflow-artifacts:/1/models/m-1/artifacts', nowhere);

it.each(['../../etc/passwd', '/etc/passwd', 'a/../../b', '..', '', 'a\\..\\b', 'C:evil', 'a//b', 'new\nline'])(
  'refuses a listing with the path %j',
  async (path) => {
    const url = await serve((_, response) => {
      response.end(
        JSON.stringify({
          files: [
            { path: 'MLmodel', file_size: 3 },
            { path, file_size: 3 },
          ],
        }),
      );
    });
    await expect(folderAt(url).list()).rejects.toMatchObject({ code: 'IMPORT_REFUSED' });
  },
);

it('refuses listings that do not end', async () => {
  const url = await serve((_, response) => {
    response.end(JSON.stringify({ files: [{ path: 'deeper', is_dir: true }] }));
  });
  await expect(folderAt(url).list()).rejects.toMatchObject({ code: 'IMPORT_REFUSED' });
});

it('follows redirects, and leaves the credentials with the server that they are for', async () => {
  const seen: (string | undefined)[] = [];
  const other = await serve((request, response) => {
    seen.push(request.headers.authorization);
    response.end('{"from":"elsewhere"}');
  });
  const url = await serve((request, response) => {
    seen.push(request.headers.authorization);
    response.writeHead(302, { location: request.url === '/own' ? `${other}/x` : '/own' }).end();
  });
  expect(await clientOf(url).get('anything', {})).toEqual({ from: 'elsewhere' });
  expect(seen).toEqual([BASIC, BASIC, undefined]);
});

it('does not send a body elsewhere', async () => {
  const url = await serve((_, response) => response.writeHead(307, { location: 'http://127.0.0.1:1/' }).end());
  await expect(clientOf(url).post('anything', {})).rejects.toMatchObject({ code: 'IMPORT_REFUSED' });
});

it.each([
  [401, 'MLFLOW_TRACKING_USERNAME'],
  [403, 'MLFLOW_TRACKING_TOKEN'],
])('says which credentials are missing at %i', async (status, says) => {
  let asked = 0;
  const url = await serve((_, response) => {
    asked++;
    response.writeHead(status).end('<html>');
  });
  const failure = clientOf(url, {}).get('anything', {});
  await expect(failure).rejects.toMatchObject({ code: 'IMPORT_UNAVAILABLE', message: expect.stringContaining(says) });
  expect(asked).toBe(1);
});

it('asks again while the server says that it cannot now', async () => {
  let asked = 0;
  const url = await serve((_, response) => {
    asked++;
    response.writeHead(asked < 3 ? 503 : 200).end('{"a":1}');
  });
  expect(await clientOf(url).get('anything', {})).toEqual({ a: 1 });
});

it('refuses answers that are no JSON, and endless ones', async () => {
  const page = await serve((_, response) => response.end('<html>log in</html>'));
  await expect(clientOf(page).get('anything', {})).rejects.toMatchObject({ code: 'IMPORT_UNAVAILABLE' });
  const endless = await serve((_, response) => {
    const piece = Buffer.alloc(1 << 20, 32);
    const write = (): void => {
      while (!response.destroyed && response.write(piece));
    };
    response.on('drain', write);
    write();
  });
  await expect(clientOf(endless).get('anything', {})).rejects.toMatchObject({
    code: 'IMPORT_REFUSED',
    message: expect.stringContaining('larger than'),
  });
});

it('keeps no file that is longer or shorter than the listing has it', async () => {
  const url = await serve((request, response) => {
    const isList = request.url!.includes('?path=');
    response.end(isList ? JSON.stringify({ files: [{ path: 'model.lgb', file_size: 5 }] }) : 'seven b');
  });
  const target = join(tempFolder(), 'model.part');
  await expect(folderAt(url).copy('model.lgb', target)).rejects.toMatchObject({ code: 'IMPORT_UNAVAILABLE' });
}, 20_000);

it('copies a file over a connection that breaks once', async () => {
  let tries = 0;
  const url = await serve((request, response) => {
    if (request.url!.includes('?path=')) {
      response.end(JSON.stringify({ files: [{ path: 'a b/model.lgb', file_size: '8' }] }));
      return;
    }
    expect(request.url).toBe('/api/2.0/mlflow-artifacts/artifacts/1/models/m-1/artifacts/a%20b/model.lgb');
    response.writeHead(200, { 'content-length': 8 });
    if (++tries === 1) response.write('abcd', () => response.destroy());
    else response.end('abcdefgh');
  });
  const target = join(tempFolder(), 'model.part');
  await folderAt(url).copy('a b/model.lgb', target);
  expect([existsSync(target), readFileSync(target, 'utf8')]).toEqual([true, 'abcdefgh']);
});

it('takes no artifacts from places that it cannot vouch for', () => {
  const client = clientOf('http://127.0.0.1:1');
  for (const uri of ['gs://b/m', 'dbfs:/m', '/srv/mlruns/1', 'file:///etc', 'mlflow-artifacts:/../x'])
    expect(() => client.folder(uri, nowhere)).toThrow('IMPORT_REFUSED');
});

it.each([
  [undefined, {}, 'no tracking server is named'],
  ['./mlruns', {}, 'no URL of a server'],
  ['file:///srv/mlruns', {}, 'no URL of a server'],
  ['http://ann:secret@host', {}, 'holds credentials'],
])('refuses the address %s', (flag, env, says) => {
  expect(() => trackingPlace(flag, env)).toThrow(says);
  expect(() => trackingPlace(flag, env)).not.toThrow('secret');
});

it('takes address and credentials from the environment, as MLflow does', () => {
  const env = { ...CREDENTIALS, MLFLOW_TRACKING_URI: 'https://ml.example/flow/', MLFLOW_TRACKING_TOKEN: 't' };
  expect(trackingPlace(undefined, env)).toEqual({ base: 'https://ml.example/flow', authorization: BASIC });
  expect(trackingPlace('http://a', { MLFLOW_TRACKING_TOKEN: 't' }).authorization).toBe('Bearer t');
});
