import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePorts } from './free-ports.ts';
import { obtainWeed } from './obtain-servers.ts';
import { ServerProcess } from './server-process.ts';

/** Where a test's S3 server is, as plain data. */
export interface S3Address {
  readonly endpoint: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly region: string;
}

export interface S3Server extends S3Address {
  /** Ends the server and removes its data. */
  stop(): Promise<void>;
  /** SIGKILL; the data stays. */
  kill(): Promise<void>;
  /** Starts it again on the same data and ports, after `kill`. */
  restart(): Promise<void>;
}

/** A real S3 server: the one that TEST_S3_ENDPOINT names, else a SeaweedFS of our own on free loopback ports. */
export async function startS3(): Promise<S3Server> {
  const given = fromEnvironment();
  if (given !== null) return given;
  const weed = await obtainWeed();
  try {
    return await startWeed(weed);
  } catch {
    // The usual reason is a port that was taken meanwhile; a second failure is reported.
    return await startWeed(weed);
  }
}

function fromEnvironment(): S3Server | null {
  const endpoint = process.env['TEST_S3_ENDPOINT'];
  if (endpoint === undefined) return null;
  const foreign = (): Promise<void> =>
    Promise.reject(new Error('the S3 server of TEST_S3_ENDPOINT is not ours to end'));
  return {
    endpoint,
    accessKeyId: process.env['TEST_S3_ACCESS_KEY_ID'] ?? '',
    secretAccessKey: process.env['TEST_S3_SECRET_ACCESS_KEY'] ?? '',
    region: process.env['TEST_S3_REGION'] ?? 'us-east-1',
    stop: () => Promise.resolve(),
    kill: foreign,
    restart: foreign,
  };
}

async function startWeed(weed: string): Promise<S3Server> {
  const folder = await mkdtemp(join(tmpdir(), 'prescore-s3-'));
  const ports = await freePorts(WEED_PORTS.length);
  const address: S3Address = {
    endpoint: `http://127.0.0.1:${ports[0]}`,
    accessKeyId: 'prescore-test',
    secretAccessKey: 'prescore-test-secret',
    region: 'us-east-1',
  };
  await writeFile(join(folder, 's3.json'), identities(address));
  const server = new ServerProcess({
    name: 'weed mini',
    file: weed,
    args: weedArguments(folder, ports),
    env: { GOMEMLIMIT: '512MiB' },
    isReady: () => answersForbidden(address.endpoint),
  });
  const clean = async (): Promise<void> => {
    await rm(folder, { recursive: true, force: true });
    await removeSockets(ports);
  };
  await server.startOr(clean);
  return {
    ...address,
    kill: () => server.kill(),
    restart: () => server.start(),
    stop: async () => {
      await server.stop();
      await clean();
    },
  };
}

const WEED_PORTS = [
  's3.port',
  's3.port.grpc',
  'master.port',
  'master.port.grpc',
  'volume.port',
  'volume.port.grpc',
  'filer.port',
  'filer.port.grpc',
  'admin.port',
  'admin.port.grpc',
] as const;

function weedArguments(folder: string, ports: readonly number[]): string[] {
  return [
    '-logtostderr',
    'mini',
    `-dir=${folder}`,
    '-ip=127.0.0.1',
    '-ip.bind=127.0.0.1',
    ...WEED_PORTS.map((name, i) => `-${name}=${ports[i]}`),
    '-s3',
    '-s3.port.iceberg=0',
    '-s3.port.lance=0',
    `-s3.config=${join(folder, 's3.json')}`,
    // Without it a missing bucket would be made silently.
    '-s3.autoCreateBucket=false',
    `-filer.localSocket=${join(folder, 'f.sock')}`,
    `-s3.localSocket=${join(folder, 's.sock')}`,
    // Each bucket takes a volume of its own. By default their number follows the free disk, and a machine with little
    // of it runs out of volumes long before it runs out of disk: every write to a new bucket is an InternalError then.
    '-volume.max=2000',
    '-webdav=false',
    '-admin.ui=false',
    // On by default; tests must not call out.
    '-master.telemetry=false',
  ];
}

function identities(address: S3Address): string {
  const credentials = [{ accessKey: address.accessKeyId, secretKey: address.secretAccessKey }];
  return JSON.stringify({
    identities: [{ name: 'test', credentials, actions: ['Admin', 'Read', 'Write', 'List', 'Tagging'] }],
  });
}

async function answersForbidden(endpoint: string): Promise<boolean> {
  try {
    const response = await fetch(endpoint, { signal: AbortSignal.timeout(1_000) });
    await response.arrayBuffer();
    return response.status === 403;
  } catch {
    return false;
  }
}

/** A killed server leaves its sockets in /tmp, whatever TMPDIR says. */
async function removeSockets(ports: readonly number[]): Promise<void> {
  for (const name of await readdir('/tmp')) {
    const port = /^seaweedfs-.*-grpc-(\d+)\.sock$/.exec(name)?.[1];
    if (port !== undefined && ports.includes(Number(port))) await rm(join('/tmp', name), { force: true });
  }
}
