import type { Background } from '../../base/contract/background.ts';
import type { TreeEngine, TreesOption } from '../../base/contract/signature.ts';
import type { TensorValue } from '../elements/elements.ts';
import type { ModelSession } from '../elements/model-session.ts';
import { type OnnxFile, readOnnxFile } from '../onnx/onnx-file.ts';
import { OnnxSession, type SessionOptions } from '../onnx/onnx-session.ts';
import { backgroundFeeds } from './background-feeds.ts';
import { checkRows } from './check-rows.ts';
import { hasSameBits } from './kernel-sums.ts';
import { ELEMENT, type OnnxGraph, partModel, tensorInfo, transformNode } from './onnx-graph.ts';
import { splitTrees, type TreeParts } from './split-trees.ts';
import { explainsTrees } from './tree-explainer.ts';
import { type HeadTransform, TreeHead } from './tree-head.ts';
import { TRANSFORM, TreeScorer } from './tree-scorer.ts';
import { TreeSession } from './tree-session.ts';
import { twinOutputs } from './twin-outputs.ts';

/** What evaluates a model's trees, or why nothing does but ONNX Runtime. */
export type EngineChoice =
  | { readonly engine: 'trees'; readonly checkedRows: number; readonly speedup: number }
  | { readonly engine: 'onnxruntime'; readonly why: string };

export interface OpenedModel {
  readonly session: ModelSession;
  readonly choice: EngineChoice;
}

/** What a model's info says of the choice. */
export function engineOf(choice: EngineChoice): { readonly engine?: TreeEngine } {
  return choice.engine === 'trees' ? { engine: { name: 'trees', checkedRows: choice.checkedRows } } : {};
}

export interface EngineOptions extends SessionOptions {
  /** `onnxruntime`: trees are left to it; `always`: they are taken from it also where it is faster. */
  readonly trees: TreesOption | 'always';
  /** Beside which rows are explained. */
  readonly background?: Background | null;
}

/** Trials until the kernel's code is as fast as it gets, and the time that they may take. */
const MOST_TRIALS = 24;
const MOST_TRIAL_MS = 60;
const TIMED_ROWS = 512;

/**
 * Opens a model with what evaluates it fastest. Trees are taken from ONNX Runtime only where every bit of label and score is the same for
 * all check rows, and where they are faster; whatever else, it scores as before.
 *
 * `model`: its bytes, or the path of its file where weights are most of it: ONNX Runtime has all of it then.
 *
 * Errors: those of `OnnxSession.open`. Owns: bytes may be dropped afterwards.
 */
export async function openModel(
  model: Uint8Array | string,
  file: OnnxFile,
  options: EngineOptions,
  where: string,
): Promise<OpenedModel> {
  const whole = await OnnxSession.open(model, file, options, where);
  const tried = typeof model === 'string' ? 'its weights are most of it' : await tryTrees(model, whole, options, where);
  if (typeof tried === 'string') return { session: whole, choice: { engine: 'onnxruntime', why: tried } };
  await whole.close();
  if (options.background != null && tried.session instanceof TreeSession)
    await tried.session.explainBeside(backgroundFeeds(options.background, tried.session.signature.inputs));
  return tried;
}

/** Opens a part of the model; what was opened is closed where the trees are not taken in the end. */
type OpenPart = (model: Uint8Array) => Promise<OnnxSession>;

async function tryTrees(
  bytes: Uint8Array,
  whole: OnnxSession,
  options: EngineOptions,
  where: string,
): Promise<OpenedModel | string> {
  if (options.trees === 'onnxruntime') return 'the job says so';
  if (whole.granted.device !== 'cpu') return 'it runs on a GPU';
  if (options.intraOpThreads !== 1) return 'several threads share a batch';
  const opened: OnnxSession[] = [];
  const open: OpenPart = async (model) => {
    const session = await OnnxSession.open(model, readOnnxFile(model, where), options, where);
    opened.push(session);
    return session;
  };
  let taken: OpenedModel | string;
  try {
    taken = await takeTrees(bytes, whole, options, open);
  } catch (error) {
    // ONNX Runtime has opened the model: that a part of it is nothing on its own must not take it away.
    taken = `its trees cannot be tried alone: ${error instanceof Error ? error.message : String(error)}`;
  }
  if (typeof taken === 'string') for (const session of opened) await session.close();
  return taken;
}

async function takeTrees(
  bytes: Uint8Array,
  whole: OnnxSession,
  options: EngineOptions,
  open: OpenPart,
): Promise<OpenedModel | string> {
  const parts = partsOf(bytes);
  if (typeof parts === 'string') return parts;
  const given = whole.signature.inputs.find(({ name }) => name === parts.input);
  if (parts.before === null && given?.type !== 'float32') return 'its trees take something else than rows of float32';
  const head = TreeHead.of(parts.trees);
  if (typeof head === 'string') return head;
  const width = widthOf(whole, parts);
  const transform = head.transform === null ? null : await open(transformModel(parts.graph, head.transform));
  const scorer = new TreeScorer(parts.trees, head, transform);
  if (!scorer.prepare(width)) return 'its trees are too large, or ask for categories';
  const oracle = ownOracle(whole, parts) ?? {
    session: await open(parts.alone),
    label: parts.label,
    scores: parts.scores,
  };
  const { background = null } = options;
  const checked = await check(parts, scorer, oracle, width, options.trees === 'always' || background !== null);
  if (typeof checked === 'string') return checked;
  const before = parts.before === null ? null : await open(parts.before.model);
  const after = parts.after === null ? null : await open(parts.after.model);
  if (oracle.session !== whole) await oracle.session.close();
  const explains = explainsTrees(parts, width, whole.signature, background !== null);
  const { granted, isCopying } = whole;
  const of = { signature: { ...whole.signature, explains }, granted, isCopying };
  const session = new TreeSession(of, parts, { before, after }, scorer);
  return { session, choice: { engine: 'trees', ...checked } };
}

/** A session that gives the label and the scores of the trees, by these names; null: the trees have none. */
interface Oracle {
  readonly session: ModelSession;
  readonly label: string | null;
  readonly scores: string | null;
}

/**
 * The model itself, where nothing but names stands around its tree operator: rows in any number, nothing else asked for, label and scores
 * given as they are. To open the operator alone would take as long again.
 */
function ownOracle(whole: OnnxSession, parts: TreeParts): Oracle | null {
  const { inputs } = whole.signature;
  if (parts.before !== null || inputs.length !== 1 || (inputs[0]!.dims[0] ?? null) !== null) return null;
  const given = twinOutputs(parts, whole.signature).filter(({ factor }) => factor === 1);
  const nameOf = (of: 'label' | 'scores'): string | null => given.find((output) => output.of === of)?.name ?? null;
  const [label, scores] = [nameOf('label'), nameOf('scores')];
  const isWhole = (label !== null) === (parts.label !== null) && (scores !== null) === (parts.scores !== null);
  return isWhole ? { session: whole, label, scores } : null;
}

// What the reader does not understand, ONNX Runtime has opened: it knows better.
function partsOf(bytes: Uint8Array): TreeParts | string {
  try {
    return splitTrees(bytes);
  } catch (error) {
    if (error instanceof RangeError) return `its trees are unusual: ${error.message}`;
    throw error;
  }
}

// Rows may be wider than what the trees ask for.
function widthOf(whole: OnnxSession, parts: TreeParts): number {
  const declared = whole.signature.inputs.find(({ name }) => name === parts.input)?.dims[1];
  return Math.max(1, declared ?? parts.trees.ensemble.features);
}

function transformModel(graph: OnnxGraph, { name, width }: HeadTransform): Uint8Array<ArrayBuffer> {
  const { input, label, scores } = TRANSFORM;
  const node = transformNode(input, [label, scores], width, name);
  return partModel(
    graph,
    [node],
    [tensorInfo(input, ELEMENT.float, 2)],
    [tensorInfo(label, ELEMENT.int64, 1), tensorInfo(scores, ELEMENT.float, 2)],
  );
}

type Checked = { readonly checkedRows: number; readonly speedup: number };

/** Both ways over the same rows; in words, why the trees are not taken. */
async function check(
  parts: TreeParts,
  scorer: TreeScorer,
  { session: oracle, label, scores }: Oracle,
  width: number,
  isAlways: boolean,
): Promise<Checked | string> {
  const data = checkRows(parts.trees.ensemble, width);
  const count = data.length / width;
  const rows: TensorValue = { type: 'float32', dims: [count, width], data };
  const fetches = [label, scores].filter((name) => name !== null);
  const feeds = new Map([[parts.input, rows]]);
  const timed = async (task: () => Promise<unknown>): Promise<number> => {
    const started = performance.now();
    await task();
    return performance.now() - started;
  };
  const expected = await oracle.run(feeds, fetches);
  // Some of the rows tell which is faster.
  const timedRows = Math.min(count, TIMED_ROWS);
  const some: TensorValue = { ...rows, dims: [timedRows, width], data: data.subarray(0, timedRows * width) };
  const oracleMs = await timed(() => oracle.run(new Map([[parts.input, some]]), fetches));
  const isWithLabel = label !== null;
  const first = await scorer.score(rows, isWithLabel);
  if (scores !== null && !isSame(expected.get(scores)!, first.scores))
    return 'its scores differ from those of ONNX Runtime';
  if (label !== null && (first.label === null || !isSame(expected.get(label)!, first.label)))
    return 'its labels differ from those of ONNX Runtime';
  // The first calls run code that is not optimised yet: what is faster once will stay so.
  let ms = Number.POSITIVE_INFINITY;
  const until = performance.now() + MOST_TRIAL_MS;
  for (let trial = 0; trial < MOST_TRIALS && ms > oracleMs && performance.now() < until; trial++)
    ms = Math.min(ms, await timed(() => scorer.score(some, isWithLabel)));
  if (ms > oracleMs && !isAlways) return 'ONNX Runtime is faster';
  return { checkedRows: count, speedup: oracleMs / ms };
}

/** Equal in every bit; NaN is as good as another. */
export function isSame(a: TensorValue, b: TensorValue): boolean {
  if (a.type !== b.type || a.data.length !== b.data.length || a.dims.join() !== b.dims.join()) return false;
  return hasSameBits(a.data, b.data);
}
