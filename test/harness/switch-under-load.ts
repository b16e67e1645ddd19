import { setTimeout as sleep } from 'node:timers/promises';
import type { RegistryWriter } from '../../src/base/contract/registry.ts';
import { openGrpc } from './grpc-client.ts';
import { moveLabel } from './registry-files.ts';

export interface SwitchLoad {
  readonly url: string;
  readonly grpcPort: number;
  readonly registry: RegistryWriter;
  readonly moves: number;
  /** What each version answers for x = [1, 2, 3]. */
  readonly versions: Readonly<Record<number, readonly number[]>>;
}

export interface SwitchResult {
  readonly moves: number;
  readonly requests: number;
  /** Requests without an answer, and answers whose values are not those of the version that they name. */
  readonly failed: readonly string[];
  readonly mixed: readonly string[];
  /** From the move of the label to the first answer of the version, half of them and the slowest. */
  readonly medianMs: number;
  readonly worstMs: number;
}

interface Said {
  readonly version: string | null;
  readonly values: unknown;
}

const INPUT = { name: 'x', datatype: 'FP32', shape: [1, 3] };

/** Moves delay@stable to and fro while V1, V2 and gRPC ask for it, each as fast as it is answered. */
export async function switchUnderLoad(load: SwitchLoad): Promise<SwitchResult> {
  const { url, registry, moves, versions } = load;
  const { call, close } = openGrpc(load.grpcPort);
  let isDone = false;
  let requests = 0;
  const failed: string[] = [];
  const mixed: string[] = [];
  const take = ({ version, values }: Said): string | null => {
    const wanted = versions[Number(version)];
    const got = JSON.stringify([values].flat(3));
    if (got !== JSON.stringify(wanted)) mixed.push(`version ${version} gave ${got}`);
    return version;
  };
  const client = async (way: () => Promise<Said>): Promise<void> => {
    while (!isDone) {
      requests++;
      await way().then(take, (error: unknown) => void failed.push(String(error)));
    }
  };
  const v1 = (path: string) => () => predict(`${url}/v1/models/${path}:predict`);
  const grpc = async (): Promise<Said> => {
    const inputs = [{ ...INPUT, contents: { fp32_contents: [1, 2, 3] } }];
    const answer = await call('ModelInfer', { model_name: 'delay', model_version: 'stable', inputs });
    const [output] = answer['outputs'] as readonly [{ readonly contents: { readonly fp32_contents: number[] } }];
    return { version: String(answer['model_version']), values: output.contents.fp32_contents };
  };
  const ways = [v1('delay'), v1('delay/labels/stable'), () => infer(url), grpc];
  const clients = ways.map(client);
  const times: number[] = [];
  for (let move = 0; move < moves; move++) {
    const to = move % 2 === 0 ? 2 : 1;
    const began = performance.now();
    await moveLabel(registry, 'delay', 'stable', to);
    while (take(await v1('delay')()) !== String(to)) await sleep(2);
    times.push(performance.now() - began);
  }
  isDone = true;
  await Promise.all(clients);
  close();
  times.sort((a, b) => a - b);
  return { moves, requests, failed, mixed, medianMs: times[moves >> 1] ?? 0, worstMs: times.at(-1) ?? 0 };
}

async function predict(url: string): Promise<Said> {
  const response = await post(url, { inputs: { x: [[1, 2, 3]] } });
  return { version: response.headers.get('x-model-version'), values: ((await response.json()) as Out)['outputs'] };
}

async function infer(url: string): Promise<Said> {
  const response = await post(`${url}/v2/models/delay/versions/stable/infer`, {
    inputs: [{ ...INPUT, data: [1, 2, 3] }],
  });
  const { model_version: version, outputs } = (await response.json()) as Inferred;
  return { version, values: outputs[0]?.data };
}

interface Out {
  readonly outputs: unknown;
}

interface Inferred {
  readonly model_version: string;
  readonly outputs: readonly { readonly data: unknown }[];
}

async function post(url: string, body: unknown): Promise<Response> {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(url, { method: 'POST', body: JSON.stringify(body), headers });
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
  return response;
}
