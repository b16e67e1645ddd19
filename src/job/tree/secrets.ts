import type { IssueList } from './issues.ts';
import type { Position, SpecNode, SpecPath } from './tree.ts';

const SECRET_WORDS =
  /^(aws|s3|redis)?(accesskey(id)?|secret(access)?key|secretaccesskeyid|secret|password|passwd|pass|token|sessiontoken|securitytoken|apikey|credentials?|auth|authorization|bearer|privatekey|username|user)$/;

/** Whether an unknown key is the name of a credential, whatever its spelling. Errors: none. */
export function isSecretKey(key: string): boolean {
  return SECRET_WORDS.test(key.toLowerCase().replace(/[^a-z0-9]/g, ''));
}

/** Whether a URI or endpoint carries a credential: user information, a signature, or an access key id. Errors: none. */
export function holdsSecret(text: string): boolean {
  return (
    /^[a-z][a-z0-9+.-]*:\/\/[^/?#]*@/i.test(text) ||
    // The password of a Redis may hold a slash.
    /^rediss?(\+[a-z]+)?:\/\/.*@/i.test(text) ||
    /[?&](x-amz-(signature|credential|security-token)|awsaccesskeyid|signature|sig|token)=/i.test(text) ||
    /\b(AKIA|ASIA)[0-9A-Z]{16}\b/.test(text)
  );
}

const ADVICE = {
  redis:
    'is a credential; set PRESCORE_REDIS_USERNAME and PRESCORE_REDIS_PASSWORD (for sentinels PRESCORE_SENTINEL_PASSWORD) in the environment instead',
  webhook:
    "is a credential; a webhook's URL holds none: secretEnv names the environment variable with the secret that signs its messages",
  s3: 'is a credential; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, in the environment instead',
} as const;

/** Adds the one issue that says where credentials go. The value is never shown. */
export function addSecretIssue(issues: IssueList, at: Position, path: SpecPath, value?: SpecNode): void {
  issues.add(at, path, { code: 'SPEC_SECRET', what: ADVICE[kindOf(path, value)] });
}

// By the value where it says what it belongs to, else by the key below which it stands.
function kindOf(path: SpecPath, value: SpecNode | undefined): keyof typeof ADVICE {
  const text = value?.kind === 'scalar' && typeof value.value === 'string' ? value.value : '';
  if (/^rediss?(\+[a-z]+)?:/i.test(text)) return 'redis';
  if (path[0] === 'notify') return 'webhook';
  if (/^s3:/i.test(text)) return 's3';
  const isRedis = (key: string | number): boolean =>
    ['predictions', 'sets', 'stream'].includes(String(key)) || /redis/i.test(String(key));
  return path.some(isRedis) ? 'redis' : 's3';
}

/** Looks for credentials below a key that the format does not know, where a mistaken one is likeliest to stand. */
export function addSecretsBelow(issues: IssueList, node: SpecNode, path: SpecPath): void {
  if (node.kind === 'map') {
    for (const [key, { keyAt, value }] of node.entries) {
      if (isSecretKey(key)) addSecretIssue(issues, keyAt, [...path, key], value);
      else addSecretsBelow(issues, value, [...path, key]);
    }
  } else if (node.kind === 'list') {
    for (const [i, item] of node.items.entries()) addSecretsBelow(issues, item, [...path, i]);
  } else if (typeof node.value === 'string' && holdsSecret(node.value)) {
    addSecretIssue(issues, node.at, path, node);
  }
}
