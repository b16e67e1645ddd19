/**
 * The one table of error codes. A code is stable: never renamed, never reused. `docs/errors.md` is generated from it.
 *
 * `exit` is the process exit code at the command line; `retryable` says whether trying the same step again can help.
 */
export interface ErrorEntry {
  readonly exit: number;
  readonly retryable: boolean;
  readonly meaning: string;
  readonly fix: string;
}

const entry = (exit: number, retryable: boolean, meaning: string, fix: string): ErrorEntry => ({
  exit,
  retryable,
  meaning,
  fix,
});

export const ERROR_CODES = {
  // 2: usage and job file
  USAGE: entry(2, false, 'The command line is wrong.', 'Run the command with --help.'),
  NODE_UNSUPPORTED: entry(
    2,
    false,
    'This Node is older than prescore needs.',
    'Install Node 24 (https://nodejs.org); package.json of prescore names the lines that it is tested on.',
  ),
  SPEC_NOT_FOUND: entry(2, false, 'The job file cannot be read.', 'Check the path.'),
  SPEC_SYNTAX: entry(2, false, 'The job file is not valid YAML or JSON.', 'Mend the line that is named.'),
  SPEC_INVALID: entry(
    2,
    false,
    'The file has problems; all of them are listed.',
    'Mend each line; docs/job-file.md, serve-file.md and stream-file.md have every key.',
  ),
  SPEC_DRAFT: entry(
    2,
    false,
    'The file is a draft of prescore init with a question that is open.',
    'Answer it on the line that is named and take the question mark off its key.',
  ),
  SPEC_TOO_LARGE: entry(
    2,
    false,
    'The job file is too large, too deep or uses too many aliases.',
    'A job file is at most 1 MiB and 32 levels deep.',
  ),
  SPEC_VERSION: entry(
    2,
    false,
    'The job file is written for another version of the format.',
    'Install the version of prescore that is named.',
  ),
  SPEC_SECRET: entry(
    2,
    false,
    'The job file holds a credential.',
    'Put credentials into the environment; the job file is kept in run records.',
  ),
  URI_INVALID: entry(
    2,
    false,
    'A URI or path cannot be used.',
    'Use a plain path, file:///abs/path or s3://bucket/key.',
  ),
  OUTPUT_OVERLAPS_INPUT: entry(
    2,
    false,
    'Output and input are the same place, or one lies inside the other.',
    'Give the output a prefix of its own.',
  ),
  MODEL_UNPINNED: entry(
    2,
    false,
    'The model has no sha256 in the job file.',
    'Add the sha256 that is printed, or pass --allow-unpinned for a trial.',
  ),
  MEMORY_TOO_SMALL: entry(
    2,
    false,
    'execution.memory is below what this job needs.',
    'Raise execution.memory to at least the figure that is named, or lower execution.scorers.',
  ),
  PARTITION_UNKNOWN: entry(
    2,
    false,
    'The partition is missing or not one of the job.',
    'Pass --partition with a value of the job file, or --as-of.',
  ),
  RUN_INCOMPATIBLE: entry(
    2,
    false,
    'An unfinished run of this slot was planned with other settings.',
    'Restore the named fields, or pass --new-run to start again.',
  ),
  RUN_OTHER_DEFINITION: entry(
    2,
    false,
    'This slot is done, with an older definition of the job.',
    'Pass --if-changed or --new-run to score it again.',
  ),
  SHARDS_DIFFER: entry(
    2,
    false,
    'The run is at work in another number of shards.',
    'Give all shards of a run the same number, or wait until the others have ended.',
  ),
  RUN_NOT_FOUND: entry(2, false, 'There is no such run.', 'List the runs with: prescore runs list JOB'),
  BACKFILL_NOT_FOUND: entry(2, false, 'There is no such backfill.', 'List them with: prescore backfill list JOB'),
  BACKFILL_CANCELLED: entry(
    2,
    false,
    'The backfill was cancelled.',
    'Create a new one: partitions that are done are not scored again.',
  ),
  BACKFILL_OTHER_DEFINITION: entry(
    2,
    false,
    'The job changed since the backfill was made.',
    'Restore the named fields, or cancel it and create a new one with --reprocess stale.',
  ),
  KEY_INVALID: entry(
    2,
    false,
    'A key cannot be looked up.',
    'Give a text, an integer or bytes of at most 1,024 bytes; a list for a key of several columns.',
  ),
  SET_COLUMN: entry(
    2,
    false,
    'A column cannot be a key or a value of a prediction set.',
    'Use a text, integer or binary column as key, and numbers, flags, texts or lists of them as values.',
  ),
  // 4: input data
  INPUT_NOT_FOUND: entry(4, false, 'The input matches no file.', 'Check input.uri and the partition.'),
  INPUT_CHANGED: entry(
    4,
    false,
    'An input file changed since it was planned.',
    'Pass --new-run to plan again with the files as they are now.',
  ),
  INPUT_GONE: entry(
    4,
    false,
    'An input file that was planned is gone.',
    'Restore it, or pass --new-run to plan without it.',
  ),
  INPUT_EMPTY_FILE: entry(4, false, 'An input file has zero bytes.', 'Write it again, or set input.onBadFile: skip.'),
  INPUT_FORMAT: entry(
    4,
    false,
    'An input file is not what its format says.',
    'Check what wrote it, set input.format, or set input.onBadFile: skip.',
  ),
  INPUT_TRUNCATED: entry(4, false, 'An input file ends too early.', 'Write it again, or set input.onBadFile: skip.'),
  INPUT_FOOTER: entry(
    4,
    false,
    'The footer of an input file is damaged.',
    'Write it again, or set input.onBadFile: skip.',
  ),
  INPUT_CORRUPT: entry(
    4,
    false,
    'The data pages of an input file are damaged.',
    'Write it again, or set input.onBadFile: skip.',
  ),
  INPUT_SCHEMA: entry(
    4,
    false,
    'The columns of an input file do not fit the job or the other files.',
    'Compare the two sides that are shown.',
  ),
  INPUT_DUPLICATE_COLUMN: entry(
    4,
    false,
    'An input file has two columns of one name.',
    'Rename one of them where the file is written.',
  ),
  INPUT_UNSUPPORTED: entry(
    4,
    false,
    'An input file uses something prescore cannot read.',
    'Write the file again without it.',
  ),
  INPUT_LOSSY_TYPE: entry(
    4,
    false,
    'A column would lose precision on the way to the output.',
    'Cast it where the file is written, or set lossy: true.',
  ),
  INPUT_TOO_LARGE: entry(
    8,
    false,
    'An input file needs more memory than the job may use.',
    'Raise execution.memory, or write smaller row groups.',
  ),
  VERIFY_FAILED: entry(
    4,
    false,
    'The output differs from its manifest.',
    'Restore the parts that are named, or run the job again with --new-run.',
  ),
  SET_DUPLICATE_KEY: entry(
    4,
    false,
    'Two rows of the table have the same key.',
    'Mend the table, or set predictions.onDuplicateKey to last.',
  ),
  SET_UNKNOWN: entry(
    4,
    false,
    'There is no such prediction set, or nothing is published in it.',
    'Check --store and --set; sets list shows what is there.',
  ),
  SET_GENERATION_GONE: entry(
    4,
    false,
    'The generation is not there any more, or has expired.',
    'Publish again; sets show lists the generations that can be served.',
  ),
  // 5: model
  MODEL_NOT_FOUND: entry(5, false, 'The model file cannot be found.', 'Check model.uri.'),
  MODEL_CHECKSUM: entry(
    5,
    false,
    'The model is not the one that the job file pins.',
    'Check which is right, then set model.sha256.',
  ),
  MODEL_INVALID: entry(
    5,
    false,
    'The model file is not a usable ONNX model.',
    'Export it again and check it with onnx.checker.',
  ),
  MODEL_LOCALE: entry(
    5,
    false,
    'The model changes the case of texts by the rules of a locale that this machine does not have.',
    'Install the locale; prescore doctor says how.',
  ),
  MODEL_OPSET: entry(
    5,
    false,
    'The model needs a newer ONNX version than this runtime knows.',
    'Export with a lower opset or IR version.',
  ),
  MODEL_CUSTOM_OP: entry(
    5,
    false,
    'The model uses operators outside the standard ONNX domains.',
    'Export without custom operators; prescore loads no operator libraries.',
  ),
  MODEL_EXTERNAL_DATA: entry(
    5,
    false,
    'The model keeps weights in other files.',
    'Save it as one file: onnx.save(model, path, save_as_external_data=False).',
  ),
  MODEL_OUTPUT_TYPE: entry(
    5,
    false,
    'An output of the model is not a tensor.',
    'For scikit-learn export with options={"zipmap": False}, or bind other outputs only.',
  ),
  MODEL_BATCH_AXIS: entry(
    5,
    false,
    'The first axis of an input or output is not the batch.',
    'Export the model with the batch as first axis of every input and output.',
  ),
  MODEL_STATEFUL: entry(
    5,
    false,
    'The model carries state from one call to the next.',
    'Rows are scored on their own; export the model with its state inside, from zero.',
  ),
  SIGNATURE_MISMATCH: entry(
    5,
    false,
    'Job file, model and columns do not fit together.',
    'Compare the two sides in the table.',
  ),
  MODEL_OUTPUT_SHAPE: entry(
    5,
    false,
    'An output of the model has another shape than the job file expects.',
    'Compare the shape with outputs: in the job file.',
  ),
  MODEL_FAILED: entry(5, false, 'The model failed.', 'Read the message of the runtime; try prescore run --sample 10.'),
  PROVIDER_UNAVAILABLE: entry(
    5,
    false,
    'The execution provider that the job asks for is not available.',
    'Run prescore gpu status, which says what is missing, or set execution.device: cpu.',
  ),
  // The CUDA provider and its libraries
  GPU_UNSUPPORTED: entry(
    2,
    false,
    'The GPU provider cannot be installed on this platform.',
    'Use execution.device: cpu here.',
  ),
  GPU_SOURCE: entry(
    4,
    false,
    'What the GPU libraries are installed from is not what it should be.',
    'Give the wheel of onnxruntime-gpu of the version of onnxruntime-node, or the folder of its parts.',
  ),
  GPU_REGISTRY: entry(
    6,
    true,
    'The Python package registry did not give the package.',
    'Check the index that pip is set up for, or fetch the wheel elsewhere and pass --from.',
  ),
  GPU_PLACE: entry(
    6,
    false,
    'The folder of the GPU libraries cannot be used.',
    'Run the command as the owner of node_modules, for example where the image is built.',
  ),
  GPU_FOREIGN: entry(
    7,
    false,
    'A library of this name was put there by something else.',
    'Remove it, or pass --replace: it is kept aside, and gpu remove puts it back.',
  ),
  SCORER_CRASHED: entry(
    5,
    true,
    'The scorer process died while it scored.',
    'Lower execution.batchRows or raise execution.memory; prescore doctor checks the host.',
  ),
  SCORER_DEADLINE: entry(
    5,
    true,
    'A batch did not finish within execution.batchDeadline.',
    'Raise execution.batchDeadline or lower execution.batchRows.',
  ),
  // 6: stores (resumable)
  STORE_UNAVAILABLE: entry(
    6,
    true,
    'The object store did not answer in time.',
    'Start the same command again; finished chunks are kept.',
  ),
  STORE_DENIED: entry(
    6,
    false,
    'The object store refused the request.',
    'Check the credentials in the environment and the rights on the prefix.',
  ),
  STORE_CONFIG: entry(
    6,
    false,
    'The object store cannot be used as configured.',
    'Check stores: in the job file (endpoint, region, pathStyle).',
  ),
  STORE_NO_SPACE: entry(
    6,
    false,
    'The disk or store is full.',
    'Free space, then start the same command again; finished chunks are kept.',
  ),
  STORE_CORRUPT: entry(
    6,
    true,
    'Bytes from the store are not the bytes that were written.',
    'Start the same command again; if it stays, check the store.',
  ),
  PREDICTIONS_UNAVAILABLE: entry(
    6,
    true,
    'The prediction store did not answer in time.',
    'Start the same command again; pages that are written are kept, and the old generation is served.',
  ),
  PREDICTIONS_DENIED: entry(
    6,
    false,
    'The prediction store refused the login or the command.',
    'Check PRESCORE_REDIS_USERNAME and PRESCORE_REDIS_PASSWORD and the rights of that user.',
  ),
  PREDICTIONS_FULL: entry(
    6,
    false,
    'The prediction store has no room for the new generation. The old one is still served.',
    'Raise maxmemory or free disk, lower predictions.keep, then publish again.',
  ),
  PREDICTIONS_READONLY: entry(
    6,
    true,
    'The prediction store takes no writes: it is a read-only replica.',
    'Give the address of the primary, or use Sentinel or Cluster addresses.',
  ),
  PREDICTIONS_CONFIG: entry(
    6,
    false,
    'The prediction store cannot be used as it is configured.',
    'Mend the setting that is named.',
  ),
  PREDICTIONS_LOST: entry(
    6,
    true,
    'Pages that were written are not there any more.',
    'Look for evictions or a restart of the store, then publish again.',
  ),
  QUEUE_UNAVAILABLE: entry(
    6,
    true,
    'The Redis of the queue did not answer in time.',
    'Check the address, then start the same command again; what was recorded is kept.',
  ),
  QUEUE_DENIED: entry(
    6,
    false,
    'The Redis of the queue refused the login or the command.',
    'Check PRESCORE_REDIS_USERNAME and PRESCORE_REDIS_PASSWORD and the rights of that user.',
  ),
  QUEUE_CONFIG: entry(6, false, 'The Redis of the queue cannot be used as it is.', 'Mend the setting that is named.'),
  STREAM_UNAVAILABLE: entry(
    6,
    true,
    'The Redis of the stream did not answer in time.',
    'Check the address; events that are not finished stay in the stream.',
  ),
  STREAM_DENIED: entry(
    6,
    false,
    'The Redis of the stream refused the login or the command.',
    'Check PRESCORE_REDIS_USERNAME and PRESCORE_REDIS_PASSWORD and the rights of that user.',
  ),
  STREAM_CONFIG: entry(6, false, 'The Redis of the stream cannot be used as it is.', 'Mend the setting that is named.'),
  // 7: another owner
  RUN_OWNED: entry(7, false, 'Another process is working on this run.', 'Wait for it, or stop it first.'),
  SUPERSEDED: entry(
    7,
    false,
    'A newer run has already been committed to this output.',
    'Nothing to do; pass --force to put this run in its place all the same.',
  ),
  SET_OWNED: entry(7, false, 'Another process is publishing into this set.', 'Wait for it, or stop it first.'),
  SET_NOT_NEWER: entry(
    7,
    false,
    'The set already serves something newer, or was rolled back and waits for something newer.',
    'Nothing to do; pass --force to serve it all the same.',
  ),
  // 8: limits
  REJECT_LIMIT: entry(
    8,
    false,
    'More rows were rejected than rejects.limit allows. Nothing was committed.',
    'Look at the rejects, then raise rejects.limit and start the same command again.',
  ),
  SCRATCH_LIMIT: entry(
    8,
    false,
    'The run needs more scratch space than execution.scratch allows.',
    'Raise execution.scratch or lower execution.chunkRows.',
  ),
  // 70 and signals
  RECORD_CORRUPT: entry(70, false, 'A run record cannot be read.', 'Start a new run with --new-run.'),
  NONDETERMINISTIC: entry(70, false, 'Scoring a chunk again gave other bytes.', 'Report it with the plan of the run.'),
  INTERNAL: entry(70, false, 'A fault in prescore.', 'Run again with --debug and report the trace.'),
  RUN_CANCELLED: entry(130, false, 'The run was cancelled.', 'Start it again with: prescore runs retry'),
  WORKER_LOST: entry(
    70,
    false,
    'Worker after worker vanished while it worked on this task.',
    'Look at the logs of the workers for what ends them, memory first; then prescore runs retry.',
  ),
  STATE_REFUSED: entry(
    2,
    false,
    'A task names a state that this worker may not touch.',
    'Start the worker with an --allow that covers it.',
  ),
  // Live inference
  LIVE_MODEL_UNKNOWN: entry(
    5,
    false,
    'No model of this name and version is served.',
    'Ask for the index of the models; versions are folders of the model folder.',
  ),
  LIVE_MODEL_BROKEN: entry(
    5,
    false,
    'The model is there and cannot be loaded.',
    'Put a version that loads beside it, or mend its files; the index of the models has the whole reason.',
  ),
  LIVE_REQUEST: entry(
    4,
    false,
    'The request does not fit the model: a tensor is missing, unknown, of another type or of another shape.',
    'Compare it with the metadata of the model.',
  ),
  LIVE_OVERLOADED: entry(
    8,
    true,
    'More rows wait for the model than the queue may hold, or there is no memory to load it.',
    'Ask again after the time that Retry-After says, or raise batcher.maxQueueRows or models.memory.',
  ),
  LIVE_DEADLINE: entry(6, true, 'The request waited longer than its deadline.', 'Ask again, or raise the deadline.'),
  LIVE_UNAVAILABLE: entry(
    6,
    true,
    'The model is not ready: its scorer has died, hangs or is being started, or its file is out of reach.',
    'Ask again in a moment; lookups go on meanwhile.',
  ),
  LIVE_CANCELLED: entry(130, false, 'The caller has gone before the answer was there.', 'Nothing to do.'),
  // The online endpoint: what a client did wrong, or met
  HTTP_REQUEST: entry(
    4,
    false,
    'The request is not what this path takes.',
    'Mend what is named; docs/serve.md has every form.',
  ),
  HTTP_UNAUTHORIZED: entry(
    4,
    false,
    'The request has no valid key.',
    'Send a key of the keys file that has not expired: Authorization: Bearer KEY.',
  ),
  HTTP_FORBIDDEN: entry(4, false, 'The key may not do this.', 'Use a key with the scope that is named.'),
  HTTP_NOT_FOUND: entry(4, false, 'There is nothing here.', 'Check the path and the name in it.'),
  HTTP_METHOD: entry(4, false, 'This path does not take this method.', 'Use one of the methods in Allow.'),
  HTTP_TIMEOUT: entry(4, false, 'The request took too long to arrive.', 'Send it faster, or raise limits.requestTime.'),
  HTTP_TOO_LARGE: entry(
    8,
    false,
    'The request is over a limit.',
    'Send less at a time, or raise the limit that is named.',
  ),
  HTTP_MEDIA_TYPE: entry(
    4,
    false,
    'The body has a type, or a compression, that this path does not take.',
    'Send application/json, not compressed.',
  ),
  HTTP_HOST: entry(
    4,
    false,
    'The request is for a host that this server does not serve.',
    'List the name under hosts in the serve file.',
  ),
  HTTP_ORIGIN: entry(
    4,
    false,
    'The request comes from a page of another site.',
    'Ask from a server, not from a browser.',
  ),
  SERVER_OVERLOADED: entry(
    8,
    true,
    'The server has more requests than it can answer in time.',
    'Ask again after the time that Retry-After says.',
  ),
  PREDICTION_NOT_FOUND: entry(
    4,
    false,
    'There is no prediction for this key, and no way to make one.',
    'Check the key; send its features, or publish the set.',
  ),
  PREDICTION_TOO_OLD: entry(
    6,
    true,
    'The prediction of this key is older than the serve file allows.',
    'Publish the set again, or raise maxAge or staleFor.',
  ),
  FEATURES_NOT_FOUND: entry(
    4,
    false,
    'There are no features for this key.',
    'Write its hash, or send the features with the request.',
  ),
  FEATURES_INVALID: entry(4, false, 'The features of a row cannot be scored.', 'Mend the column that is named.'),
  FEATURES_UNAVAILABLE: entry(6, true, 'The store of the features did not answer in time.', 'Ask again in a moment.'),
  SERVE_UNPROTECTED: entry(
    2,
    false,
    'The server would answer everybody who can reach it.',
    'Set auth.keysFile, or listen on 127.0.0.1; --insecure-no-auth serves all the same.',
  ),
  KEYS_FILE: entry(2, false, 'The file of keys cannot be used.', 'docs/serve.md has its form.'),
  INTERRUPTED: entry(130, true, 'The run was interrupted.', 'Start the same command again; finished chunks are kept.'),
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof ERROR_CODES;
