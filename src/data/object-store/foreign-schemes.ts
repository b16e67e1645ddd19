/** What to do with a place that another tool can open and prescore cannot: the store's S3 address, or the line that copies it. */
export interface SchemeAdvice {
  readonly what: string;
  readonly fix: string;
}

type Advice = (address: URL, text: string) => SchemeAdvice;

const KEYS = 'keys in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY';

/** `stores: { main: … }` for an endpoint that answers as S3 does. */
const stores = (endpoint: string, region: string): string =>
  `stores: { main: { endpoint: "${endpoint}", region: ${region}, pathStyle: true } }`;

const google = (path: string): string =>
  `Google Cloud Storage answers as S3 does: write s3://${path} and ${stores('https://storage.googleapis.com', 'auto')}, HMAC ${KEYS} (prescore doctor JOB says what can be promised of an output there); or copy it: gcloud storage cp -r gs://${path} data/`;

const azure = (text: string): string => `Azure has no S3 address; copy it: azcopy copy "${text}" data/ --recursive`;

const copied =
  (kind: string, line: (path: string, text: string) => string): Advice =>
  (address, text) => ({ what: `${kind} cannot be opened`, fix: `Copy it first: ${line(pathOf(address), text)}` });

const SCHEMES: Readonly<Record<string, Advice>> = {
  gs: (address) => ({ what: 'gs:// is not opened by that name', fix: google(pathOf(address)) }),
  gcs: (address) => ({ what: 'gcs:// is not opened by that name', fix: google(pathOf(address)) }),
  abfs: azureOf,
  abfss: azureOf,
  wasb: azureOf,
  wasbs: azureOf,
  az: azureOf,
  adl: azureOf,
  s3a: renamed,
  s3n: renamed,
  r2: (address) => ({
    what: 'r2:// is not opened by that name',
    fix: `Cloudflare R2 answers as S3 does: write s3://${pathOf(address)} and ${stores('https://ACCOUNT.r2.cloudflarestorage.com', 'auto')}, ${KEYS}.`,
  }),
  minio: (address) => ({
    what: 'minio:// is not opened by that name',
    fix: `MinIO answers as S3 does: write s3://${pathOf(address)} and ${stores('https://HOST:9000', 'us-east-1')}.`,
  }),
  oss: (address) => ({
    what: 'oss:// is not opened by that name',
    fix: `Alibaba OSS answers as S3 does: write s3://${pathOf(address)} and stores: { main: { endpoint: "https://s3.oss-REGION.aliyuncs.com", region: oss-REGION } }, ${KEYS}.`,
  }),
  hdfs: copied(
    'hdfs://',
    (_, text) => `hdfs dfs -get "${text}" data/, or into a store: hadoop distcp "${text}" s3a://BUCKET/data`,
  ),
  viewfs: copied('viewfs://', (_, text) => `hdfs dfs -get "${text}" data/`),
  dbfs: copied('dbfs:/', (_, text) => `databricks fs cp -r "${text}" data/`),
  hf: copied('hf://', (path) => `hf download ${path.replace(/^(datasets|models)\//, '')} --local-dir data/`),
  http: web,
  https: web,
  ftp: copied('ftp://', (_, text) => `curl -fO "${text}"`),
  sftp: copied('sftp://', (_, text) => `curl -fO "${text}"`),
};

/** What is said of a scheme that is not `file` or `s3`. The text is shown in command lines only where it is harmless. Errors: none. */
export function schemeAdvice(scheme: string, text: string): SchemeAdvice {
  const isPlain = /^[A-Za-z0-9+.:/_=@%~,*{}-]*$/.test(text) && !/:\/\/[^/@]*:[^/@]*@/.test(text);
  const shown = isPlain ? text : `${scheme}://…`;
  const address =
    URL.parse(isPlain ? text.replace(/^[a-z0-9+.-]+:/i, 'x:') : 'x://BUCKET/PATH') ?? new URL('x://BUCKET/PATH');
  const advice = Object.hasOwn(SCHEMES, scheme) ? SCHEMES[scheme] : undefined;
  if (advice !== undefined) return advice(address, shown);
  const fix = 'Use a plain path, file:///abs/path or s3://bucket/key.';
  return { what: `${scheme}:// is not supported`, fix };
}

function pathOf({ host, pathname }: URL): string {
  return `${host}${decodeSigns(pathname)}`.replace(/\/$/, '');
}

// Signs of globs and placeholders stay what they are.
function decodeSigns(path: string): string {
  return path.replace(/%7B/gi, '{').replace(/%7D/gi, '}');
}

function renamed(address: URL, text: string): SchemeAdvice {
  const scheme = text.slice(0, text.indexOf(':'));
  return { what: `${scheme}:// is another tool's name for s3://`, fix: `Write s3://${pathOf(address)}.` };
}

function azureOf(_: URL, text: string): SchemeAdvice {
  const scheme = text.slice(0, text.indexOf(':'));
  // azcopy knows the web address only: https://ACCOUNT.blob.core.windows.net/CONTAINER/PATH.
  const [, container, account, path] = /^[a-z]+:\/\/([^/@]+)@([^/.@]+)[^/]*(\/.*)?$/i.exec(text) ?? [];
  const web = `https://${account ?? 'ACCOUNT'}.blob.core.windows.net/${container ?? 'CONTAINER'}${path ?? '/PATH'}`;
  return { what: `${scheme}:// cannot be opened`, fix: azure(web) };
}

function web(address: URL, text: string): SchemeAdvice {
  const what = 'a web address cannot be opened';
  const { host } = address;
  const path = decodeSigns(address.pathname).slice(1);
  const [, bucket, region] = /^([a-z0-9.-]+)\.s3[.-](?:([a-z0-9-]+)\.)?amazonaws\.com$/i.exec(host) ?? [];
  if (bucket !== undefined)
    return { what, fix: `Write s3://${bucket}/${path}${region === undefined ? '' : ` (region ${region})`}.` };
  if (/^s3[.-]([a-z0-9-]+\.)?amazonaws\.com$/i.test(host)) return { what, fix: `Write s3://${path}.` };
  if (host === 'storage.googleapis.com' || host === 'storage.cloud.google.com') return { what, fix: google(path) };
  if (/\.(blob|dfs)\.core\.windows\.net$/.test(host)) return { what, fix: azure(text.replace('.dfs.', '.blob.')) };
  return { what, fix: `Fetch it first: curl -fLO "${text}"` };
}
