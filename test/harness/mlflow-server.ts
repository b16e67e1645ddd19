import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePorts } from './free-ports.ts';
import { pythonEnvironment, runPython } from './python.ts';
import { ServerProcess } from './server-process.ts';

export interface MlflowServer {
  readonly url: string;
  readonly port: number;
  /** The folder of its artifacts. */
  readonly artifacts: string;
  /** Ends the server and removes its data. */
  stop(): Promise<void>;
}

/** What mlflow_models.py has logged. */
export interface LoggedModels {
  readonly folder: string;
  readonly made: Readonly<
    Record<string, { readonly runId: string; readonly version: number; readonly second?: number }>
  >;
  /** What each flavour answers for the rows of rows.parquet. */
  readonly answers: Readonly<Record<string, readonly number[]>>;
}

/** Without CatBoost, whose package is larger than all others together: only proofs log its models. */
const PINS = ['mlflow-requirements.txt', 'flavours-requirements.txt'];
const ALL = ['mlflow-requirements.txt', 'native-requirements.txt'];
const READY_MS = 90_000;

/** A real MLflow server over SQLite and a folder of artifacts, with data of its own. */
export async function startMlflow(): Promise<MlflowServer> {
  const env = await pythonEnvironment(PINS);
  const folder = await mkdtemp(join(tmpdir(), 'prescore-mlflow-'));
  const [port] = (await freePorts(1)) as [number];
  const url = `http://127.0.0.1:${port}`;
  const place = [
    '--backend-store-uri',
    `sqlite:///${folder}/mlflow.db`,
    '--artifacts-destination',
    `${folder}/artifacts`,
  ];
  const server = new ServerProcess({
    name: 'MLflow',
    file: 'python3',
    args: ['-m', 'mlflow', 'server', ...place, '--host', '127.0.0.1', '--port', String(port), '--workers', '1'],
    env: {
      ...env,
      MLFLOW_DISABLE_TELEMETRY: 'true',
      DO_NOT_TRACK: 'true',
      MLFLOW_SERVER_ENABLE_JOB_EXECUTION: 'false',
    },
    isReady: () =>
      fetch(`${url}/health`).then(
        ({ ok }) => ok,
        () => false,
      ),
    readyMs: READY_MS,
  });
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true, maxRetries: 3 });
  await server.startOr(remove);
  const stop = async (): Promise<void> => {
    await server.stop();
    await remove();
  };
  return { url, port, artifacts: join(folder, 'artifacts'), stop };
}

/** Trains, logs and registers models by MLflow's own API. */
export async function logModels(
  url: string,
  folder: string,
  rows: number,
  seed: number,
  more: readonly 'catboost'[] = [],
): Promise<LoggedModels> {
  const args = [url, folder, String(rows), String(seed), ...more];
  const said = await runPython('mlflow_models.py', args, more.length === 0 ? PINS : ALL);
  const { made } = JSON.parse(said.trim().split('\n').at(-1)!) as Pick<LoggedModels, 'made'>;
  const answers = JSON.parse(await readFile(join(folder, 'answers.json'), 'utf8')) as LoggedModels['answers'];
  return { folder, made, answers };
}

/** Asks the server's own REST interface to change something. */
export async function askMlflow(url: string, method: string, path: string, body: unknown): Promise<void> {
  const isText = typeof body === 'string';
  const answer = await fetch(`${url}/api/2.0/${path}`, {
    method,
    ...(isText ? {} : { headers: { 'content-type': 'application/json' } }),
    body: isText ? body : JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
}
