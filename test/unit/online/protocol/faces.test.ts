import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { credentials, status } from '@grpc/grpc-js';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { ErrorCode } from '../../../../src/base/errors/error-codes.ts';
import { PrescoreError } from '../../../../src/base/errors/prescore-error.ts';
import type { Authenticator, Caller, Scope } from '../../../../src/online/http/access.ts';
import { grpcClient, grpcFault } from '../../../harness/grpc-client.ts';
import { InProcessHost } from '../../../harness/in-process-host.ts';
import { type ProtocolServerOptions, startProtocols } from '../../../harness/protocol-server.ts';
import { fixtures, tempFolder } from '../../../harness/temp-job.ts';

const MLP = { name: 'mlp', version: '1', path: join(fixtures, 'models/delay_mlp.onnx') };
const MIXED = { name: 'mixed', version: '2', path: join(fixtures, 'models/delay_mixed.onnx') };

async function serve(options: ProtocolServerOptions = {}) {
  const host = new InProcessHost([MLP, MIXED, { ...MLP, version: '10' }]);
  const server = await startProtocols(host, options);
  onTestFinished(() => server.close(0));
  const post = async (path: string, body: unknown, headers: Readonly<Record<string, string>> = {}) => {
    const init = { method: 'POST', headers: { 'content-type': 'application/json', ...headers } };
    const isRaw = typeof body === 'string' || body instanceof Uint8Array;
    const response = await fetch(server.url + path, {
      ...init,
      body: isRaw ? body : JSON.stringify(body),
    } as RequestInit);
    const bytes = Buffer.from(await response.arrayBuffer());
    const isJson = response.headers.get('content-type')?.startsWith('application/json') === true;
    return {
      status: response.status,
      headers: response.headers,
      bytes,
      body: isJson ? (JSON.parse(bytes.toString()) as unknown) : null,
    };
  };
  const get = async (path: string, headers: Readonly<Record<string, string>> = {}) => {
    const response = await fetch(server.url + path, { headers });
    return { status: response.status, body: (await response.json()) as unknown };
  };
  return { host, server, post, get, grpc: () => grpcClient(server.grpcPort) };
}

const zeros = Buffer.alloc(1024);
const INFER = { inputs: [{ name: 'features', datatype: 'FP32', shape: [1, 256], data: new Array(256).fill(0) }] };
const GRPC_INFER = {
  model_name: 'mlp',
  inputs: [{ name: 'features', datatype: 'FP32', shape: [1, 256] }],
  raw_input_contents: [zeros],
};

function keys(of: Readonly<Record<string, readonly [readonly Scope[], readonly string[] | null]>>): Authenticator {
  return {
    callerOf: (authorization): Caller | null => {
      const id = authorization?.replace('Bearer ', '') ?? '';
      const found = of[id];
      if (found === undefined) return null;
      return { id, scopes: new Set(found[0]), sets: null, models: found[1] === null ? null : new Set(found[1]) };
    },
  };
}

describe('errors of a model', () => {
  it.each([
    ['LIVE_REQUEST', 400, 'INVALID_ARGUMENT', null],
    ['LIVE_OVERLOADED', 503, 'RESOURCE_EXHAUSTED', '1'],
    ['LIVE_DEADLINE', 504, 'DEADLINE_EXCEEDED', null],
    ['LIVE_UNAVAILABLE', 503, 'UNAVAILABLE', '1'],
    ['LIVE_MODEL_BROKEN', 503, 'FAILED_PRECONDITION', '60'],
    ['MODEL_FAILED', 500, 'INTERNAL', null],
    ['MODEL_OUTPUT_SHAPE', 500, 'INTERNAL', null],
  ] as const)('%s is %i over HTTP and %s over gRPC', async (code: ErrorCode, http, name, retryAfter) => {
    const { host, server, post, grpc } = await serve();
    host.onInfer = () => Promise.reject(new PrescoreError(code, { what: 'it is so', where: '/secret/place' }));
    const v2 = await post('/v2/models/mlp/infer', INFER);
    const v1 = await post('/v1/models/mlp:predict', { instances: [new Array(256).fill(0)] });
    const fault = await grpcFault(grpc()('ModelInfer', GRPC_INFER));
    for (const answer of [v1, v2]) {
      expect([answer.status, answer.headers.get('retry-after')]).toEqual([http, retryAfter]);
      expect(answer.body).toEqual({ error: expect.any(String) });
    }
    expect(fault.code).toBe(status[name]);
    expect(fault.metadata.get('grpc-retry-pushback-ms')).toEqual(retryAfter === '1' ? ['1000'] : []);
    expect(fault.details).not.toContain('A fault in prescore');
    expect(fault.details).toBe((v2.body as { readonly error: string }).error);
    if (code !== 'LIVE_REQUEST') expect(fault.details).not.toContain('secret');
    expect(server.seen.map((seen) => [seen.face, seen.status])).toEqual([
      ['infer', code],
      ['predict', code],
      ['grpc', code],
    ]);
    const { body } = (await post('/v2/models/mlp/infer', INFER)) && (await fetchStats(server.url));
    expect(body.model_stats.find(({ version }) => version === '10')?.inference_stats.fail.count).toBe(4);
  });

  it('rows that cannot be scored fail their request and are named', async () => {
    const { host, post } = await serve();
    const model = await host.model('mlp', null);
    Object.assign(model, {
      infer: () =>
        Promise.resolve({ outputs: new Map(), failedRows: [{ row: 3, message: 'index 99 is out of range' }] }),
    });
    const answer = await post('/v2/models/mlp/infer', INFER);
    expect([answer.status, answer.body]).toEqual([
      400,
      { error: 'row 3: the model cannot score a row: index 99 is out of range' },
    ]);
  });
});

async function fetchStats(url: string) {
  const response = await fetch(`${url}/v2/models/mlp/stats`);
  type Stats = { readonly model_stats: { version: string; inference_stats: { fail: { count: number } } }[] };
  return { body: (await response.json()) as Stats };
}

describe('what a request may ask for', () => {
  it('timeout, priority and id reach the model; the shorter of timeout and gRPC deadline counts', async () => {
    const { host, post, grpc } = await serve({ deadlineMs: 700 });
    await post('/v2/models/mlp/infer', INFER);
    const asked = await post('/v2/models/mlp/infer', { ...INFER, id: 'x', parameters: { timeout: 1500, priority: 2 } });
    expect(asked.body).toMatchObject({ id: 'x', model_name: 'mlp', model_version: '10' });
    await post('/v2/models/mlp/infer', { ...INFER, parameters: { timeout: 9e12 } });
    await grpc()(
      'ModelInfer',
      { ...GRPC_INFER, parameters: { timeout: { int64_param: 5_000_000 } } },
      { deadlineMs: 400 },
    );
    await grpc()('ModelInfer', {
      ...GRPC_INFER,
      parameters: { timeout: { uint64_param: 2000 }, priority: { int64_param: 1 } },
    });
    const [plain, own, capped, deadline, short] = host.requests;
    expect(plain).toMatchObject({ deadlineMs: 700, priority: 0, rows: 1 });
    expect(own).toMatchObject({ deadlineMs: 1.5, priority: 2 });
    expect(capped!.deadlineMs).toBe(60_000);
    expect(deadline!.deadlineMs).toBeGreaterThan(50);
    expect(deadline!.deadlineMs).toBeLessThanOrEqual(400);
    expect(short).toMatchObject({ deadlineMs: 2, priority: 1 });
  });

  it('a caller who goes is told to the model, over HTTP and gRPC', async () => {
    const { host, post, grpc, server } = await serve();
    const seen: Promise<unknown>[] = [];
    host.onInfer = ({ signal }) => {
      const aborted = new Promise<void>((resolve) => signal!.addEventListener('abort', resolve));
      seen.push(aborted);
      return aborted;
    };
    const gone = new AbortController();
    const call = grpcFault(grpc()('ModelInfer', GRPC_INFER, { signal: gone.signal }));
    const { port } = new URL(server.url);
    const socket = connect(Number(port), '127.0.0.1');
    const body = JSON.stringify(INFER);
    socket.write(
      `POST /v2/models/mlp/infer HTTP/1.1\r\nhost: localhost\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    );
    while (seen.length < 2) await sleep(5);
    gone.abort();
    socket.destroy();
    expect((await call).code).toBe(status.CANCELLED);
    await Promise.all(seen);
    host.onInfer = () => undefined;
    expect((await post('/v2/models/mlp/infer', INFER)).status).toBe(200);
  });

  it('versions by path, by field, or the newest; unknown names are not found', async () => {
    const { get, post, grpc } = await serve();
    const versions = await Promise.all(
      ['', '/versions/1', '/versions/10'].map((path) => post(`/v2/models/mlp${path}/infer`, INFER)),
    );
    expect(versions.map(({ body }) => (body as { model_version: string }).model_version)).toEqual(['10', '1', '10']);
    expect(versions[0]!.headers.get('x-model-version')).toBe('10');
    expect(versions[0]!.headers.get('server-timing')).toBe('queue;dur=0.250, compute;dur=1.500');
    expect(await grpc()('ModelInfer', { ...GRPC_INFER, model_version: '1' })).toMatchObject({ model_version: '1' });
    const missing = await post('/v2/models/mlp/versions/3/infer', INFER);
    const absent = await post('/v1/models/nothing:predict', { instances: [1] });
    for (const answer of [missing, absent]) {
      expect([answer.status, answer.body]).toEqual([404, { error: 'No model of this name and version is served.' }]);
    }
    expect(await get('/v2/models/mlp')).toMatchObject({ status: 200, body: { versions: ['1', '10'] } });
    expect(await get('/v2/models/nothing/ready')).toMatchObject({ status: 404 });
  });

  it('bodies with and without a type are read, others are refused', async () => {
    const { post } = await serve();
    const text = JSON.stringify(INFER);
    const types = ['application/json', 'application/json; charset=utf-8', 'application/octet-stream', 'text/plain'];
    const statuses = await Promise.all(
      types.map(async (type) => (await post('/v2/models/mlp/infer', text, { 'content-type': type })).status),
    );
    expect(statuses).toEqual([200, 200, 200, 415]);
    expect((await post('/v2/models/mlp/infer', '')).body).toEqual({ error: 'the body is not valid JSON' });
    const gzip = await post('/v2/models/mlp/infer', text, { 'content-encoding': 'gzip' });
    expect(gzip.status).toBe(415);
  });

  it('raw bodies are one row, binary both ways', async () => {
    const { post } = await serve();
    const headers = { 'content-type': 'application/octet-stream', 'inference-header-content-length': '0' };
    const { status: code, headers: got, bytes } = await post('/v2/models/mlp/infer', zeros, headers);
    expect([code, got.get('content-type')]).toEqual([200, 'application/octet-stream']);
    const length = Number(got.get('inference-header-content-length'));
    expect(JSON.parse(bytes.subarray(0, length).toString())).toMatchObject({
      outputs: [{ name: 'score', datatype: 'FP32', shape: [1, 1], parameters: { binary_data_size: 4 } }],
    });
    expect(bytes.length).toBe(length + 4);
  });

  it('no rows are an empty answer that asks no model', async () => {
    const { host, post, grpc } = await serve();
    const inputs = [{ ...INFER.inputs[0]!, shape: [0, 256], data: [] }];
    const outputs = [{ name: 'score', datatype: 'FP32', shape: [0, 1], data: [] }];
    expect((await post('/v2/models/mlp/infer', { inputs })).body).toMatchObject({ outputs });
    expect((await post('/v1/models/mlp:predict', { instances: [] })).body).toEqual({ predictions: [] });
    const none = {
      ...GRPC_INFER,
      inputs: [{ ...GRPC_INFER.inputs[0], shape: [0, 256] }],
      raw_input_contents: [Buffer.alloc(0)],
    };
    expect(await grpc()('ModelInfer', none)).toMatchObject({ raw_output_contents: [Buffer.alloc(0)] });
    expect(host.requests).toEqual([]);
  });

  it('more rows than the model takes are 413', async () => {
    const { post } = await serve();
    const body = Buffer.alloc(4097 * 1024);
    const request = {
      inputs: [
        { name: 'features', datatype: 'FP32', shape: [4097, 256], parameters: { binary_data_size: body.length } },
      ],
    };
    const head = Buffer.from(JSON.stringify(request));
    const headers = {
      'content-type': 'application/octet-stream',
      'inference-header-content-length': String(head.length),
    };
    const answer = await post('/v2/models/mlp/infer', Buffer.concat([head, body]), headers);
    expect(answer.status).toBe(413);
    expect(answer.body).toEqual({ error: 'inputs: too many rows in one request; expected at most 4096; got 4097' });
  });
});

describe('keys', () => {
  const auth = keys({
    reader: [['lookup'], null],
    one: [['score'], ['mlp']],
    all: [['score'], null],
    boss: [['score', 'admin'], null],
  });
  const as = (id: string) => ({ authorization: `Bearer ${id}` });

  it('are asked for over HTTP by scope, and a model that a key may not name is one that is not there', async () => {
    const { get, post } = await serve({ auth });
    const path = '/v2/models/mixed';
    const statuses = await Promise.all([get(path), ...['reader', 'one', 'all'].map((id) => get(path, as(id)))]);
    expect(statuses.map((answer) => answer.status)).toEqual([401, 403, 404, 200]);
    expect(statuses[2]!.body).toEqual((await get('/v2/models/nothing', as('one'))).body);
    expect(statuses[0]!.body).toEqual({ error: 'The request has no valid key.' });
    expect((await get('/v1/models', as('one'))).body).toEqual({ models: ['mlp'] });
    const loads = await Promise.all(['all', 'boss'].map((id) => post('/v2/repository/models/mlp/load', {}, as(id))));
    expect(loads.map((answer) => answer.status)).toEqual([403, 200]);
    const index = await post('/v2/repository/index', { ready: true }, as('boss'));
    expect(index.body).toEqual([
      { name: 'mixed', version: '2', state: 'READY', reason: '' },
      { name: 'mlp', version: '10', state: 'READY', reason: '' },
    ]);
    expect((await get('/v2/health/ready')).status).toBe(200);
  });

  it('are asked for over gRPC in the metadata', async () => {
    const { grpc } = await serve({ auth });
    const call = grpc();
    const codes = await Promise.all([
      ...['', 'reader', 'one'].map((id) => grpcFault(call('ModelMetadata', { name: 'mixed' }, { metadata: as(id) }))),
      grpcFault(call('RepositoryModelLoad', { model_name: 'mlp' }, { metadata: as('all') })),
    ]);
    const { UNAUTHENTICATED, PERMISSION_DENIED, NOT_FOUND } = status;
    expect(codes.map(({ code }) => code)).toEqual([UNAUTHENTICATED, PERMISSION_DENIED, NOT_FOUND, PERMISSION_DENIED]);
    expect(await call('ModelInfer', GRPC_INFER, { metadata: as('one') })).toMatchObject({ model_name: 'mlp' });
    expect(await call('ServerLive', {})).toEqual({ live: true });
    expect(await call('RepositoryIndex', { ready: true }, { metadata: as('boss') })).toMatchObject({
      models: [{ name: 'mlp' }],
    });
  });
});

/** A certificate for localhost that nobody signed. */
function selfSigned(): { readonly cert: string; readonly key: string } {
  const [key, cert] = ['key.pem', 'cert.pem'].map((name) => join(tempFolder(), name)) as [string, string];
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
  execFileSync(
    'openssl',
    [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-days',
      '2',
      ...subject,
      '-keyout',
      key,
      '-out',
      cert,
    ],
    { stdio: 'ignore' },
  );
  return { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') };
}

describe('gRPC', () => {
  it('limits messages, and calls in work', async () => {
    const { grpc } = await serve({ limits: { bodyBytes: 2000 } });
    const big = {
      ...GRPC_INFER,
      inputs: [{ ...GRPC_INFER.inputs[0], shape: [2, 256] }],
      raw_input_contents: [Buffer.alloc(2048)],
    };
    expect((await grpcFault(grpc()('ModelInfer', big))).code).toBe(status.RESOURCE_EXHAUSTED);
    expect(await grpc()('ModelInfer', GRPC_INFER)).toMatchObject({ model_name: 'mlp' });

    const busy = await serve({ limits: { inFlight: 1 } });
    let answer: () => void = () => undefined;
    busy.host.onInfer = () =>
      new Promise((resolve) => {
        answer = resolve;
      });
    const call = busy.grpc();
    const first = call('ModelInfer', GRPC_INFER);
    while (busy.host.requests.length === 0) await sleep(5);
    expect((await grpcFault(call('ModelInfer', GRPC_INFER))).code).toBe(status.RESOURCE_EXHAUSTED);
    expect(await call('ServerLive', {})).toEqual({ live: true });
    answer();
    await first;
    expect(busy.host.requests).toHaveLength(1);
  });

  it('refuses what does not fit, in the words of HTTP', async () => {
    const { grpc } = await serve();
    const call = grpc();
    const [input] = GRPC_INFER.inputs;
    const bent = [
      [{ raw_input_contents: [zeros, zeros] }, 'raw_input_contents: inputs and raw_input_contents differ'],
      [{ raw_input_contents: [zeros.subarray(4)] }, 'input features: shape and binary data differ'],
      [
        { inputs: [{ ...input, contents: { fp32_contents: [1] } }] },
        'input features: both contents and raw_input_contents',
      ],
      [
        { inputs: [{ ...input, contents: { int_contents: [1] } }], raw_input_contents: [] },
        'input features: contents of another type',
      ],
      [
        { inputs: [{ ...input, contents: { fp32_contents: [1] } }], raw_input_contents: [] },
        'input features: shape and contents differ',
      ],
      [{ inputs: [{ ...input, shape: ['-1', 256] }] }, 'input features, shape[0]: this must be a whole number'],
      [
        { inputs: [{ ...input, shape: ['9223372036854775807'] }] },
        'input features, shape[0]: this must be a whole number',
      ],
      [{ inputs: [{ ...input, datatype: 'X' }] }, 'input features: no such datatype'],
      [{ inputs: [], raw_input_contents: [] }, 'inputs: inputs are missing'],
      [{ outputs: [{ name: 'other' }] }, 'output other: the model has no such output'],
    ] as const;
    for (const [change, message] of bent) {
      const { code, details } = await grpcFault(call('ModelInfer', { ...GRPC_INFER, ...change }));
      expect(details).toContain(message);
      expect(code).toBe(status.INVALID_ARGUMENT);
    }
  });

  it('finishes calls in work when it closes, and takes no others', async () => {
    const { host, server, grpc } = await serve();
    let answer: () => void = () => undefined;
    host.onInfer = () =>
      new Promise((resolve) => {
        answer = resolve;
      });
    const call = grpc();
    const running = call('ModelInfer', GRPC_INFER);
    while (host.requests.length === 0) await sleep(5);
    const closed = server.close(5_000);
    expect((await grpcFault(grpc()('ServerLive', {}, { deadlineMs: 300 }))).code).not.toBe(status.OK);
    answer();
    expect(await running).toMatchObject({ model_name: 'mlp' });
    await closed;
  });

  it('speaks TLS with the certificate that it is given', async () => {
    const { cert, key } = selfSigned();
    const { server } = await serve({ tls: { cert, key } });
    const secure = grpcClient(server.grpcPort, credentials.createSsl(Buffer.from(cert)));
    expect(await secure('ServerReady', {})).toEqual({ ready: true });
    server.whyNotReady = 'stopping';
    expect(await secure('ServerReady', {})).toEqual({ ready: false });
    expect((await grpcFault(grpcClient(server.grpcPort)('ServerReady', {}, { deadlineMs: 500 }))).code).not.toBe(
      status.OK,
    );
  });
});
