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
    /[?&](x-amz-(signature|credential|security-token)|awsaccesskeyid|signature|sig|token)=/i.test(text) ||
    /\b(AKIA|ASIA)[0-9A-Z]{16}\b/.test(text)
  );
}

/** Adds the one issue that says where credentials go. The value is never shown. */
export function addSecretIssue(issues: IssueList, at: Position, path: SpecPath): void {
  issues.add(at, path, {
    code: 'SPEC_SECRET',
    what: 'is a credential; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, in the environment instead',
  });
}

/** Looks for credentials below a key that the format does not know, where a mistaken one is likeliest to stand. */
export function addSecretsBelow(issues: IssueList, node: SpecNode, path: SpecPath): void {
  if (node.kind === 'map') {
    for (const [key, { keyAt, value }] of node.entries) {
      if (isSecretKey(key)) addSecretIssue(issues, keyAt, [...path, key]);
      else addSecretsBelow(issues, value, [...path, key]);
    }
  } else if (node.kind === 'list') {
    for (const [i, item] of node.items.entries()) addSecretsBelow(issues, item, [...path, i]);
  } else if (typeof node.value === 'string' && holdsSecret(node.value)) {
    addSecretIssue(issues, node.at, path);
  }
}
