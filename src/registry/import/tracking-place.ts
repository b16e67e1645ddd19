import { PrescoreError } from '../../base/errors/prescore-error.ts';

/** A tracking server, and what it is asked with. */
export interface TrackingPlace {
  /** Without credentials, without a slash at the end. */
  readonly base: string;
  /** The value of `authorization`; null where nothing is sent. */
  readonly authorization: string | null;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Where the tracking server is, as `--tracking` or MLFLOW_TRACKING_URI say, with the credentials of the environment (user and password go before a token, as in MLflow).
 *
 * Errors: USAGE.
 */
export function trackingPlace(flag: string | undefined, env: Environment): TrackingPlace {
  const where = flag === undefined ? 'MLFLOW_TRACKING_URI' : '--tracking';
  const text = flag ?? env['MLFLOW_TRACKING_URI'] ?? '';
  if (text === '') {
    throw new PrescoreError('USAGE', {
      what: 'no tracking server is named',
      fix: 'Pass --tracking http://host:port, or set MLFLOW_TRACKING_URI.',
    });
  }
  const url = URL.parse(text);
  // Not shown: it may hold a password.
  if (url === null || !['http:', 'https:'].includes(url.protocol)) {
    throw new PrescoreError('USAGE', {
      what: 'the tracking server is no URL of a server',
      where,
      expected: 'http://host:port or https://host',
      fix: 'A file store or a database has no server: start one with mlflow server, or import the folder that holds the MLmodel file.',
    });
  }
  if (url.username !== '' || url.password !== '') {
    throw new PrescoreError('USAGE', {
      what: 'the address of the tracking server holds credentials',
      where,
      fix: 'Put them into MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN.',
    });
  }
  return { base: `${url.origin}${url.pathname.replace(/\/+$/, '')}`, authorization: authorization(env) };
}

function authorization(env: Environment): string | null {
  const {
    MLFLOW_TRACKING_TOKEN: token = '',
    MLFLOW_TRACKING_USERNAME: user = '',
    MLFLOW_TRACKING_PASSWORD: password = '',
  } = env;
  if (user !== '' && password !== '') return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
  return token === '' ? null : `Bearer ${token}`;
}
