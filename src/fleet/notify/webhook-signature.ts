import { createHmac } from 'node:crypto';

/**
 * The three headers of Standard Webhooks (standardwebhooks.com): the receiver computes HMAC-SHA256 over `id.timestamp.body`
 * and compares. A secret that begins with `whsec_` is base64 after that; any other is taken as the bytes of its text.
 *
 * Units: seconds since the epoch. Errors: none.
 */
export function signedHeaders(
  id: string,
  seconds: number,
  body: string,
  secret: string | null,
): Record<string, string> {
  const headers = { 'webhook-id': id, 'webhook-timestamp': String(seconds) };
  if (secret === null) return headers;
  const key = secret.startsWith('whsec_') ? Buffer.from(secret.slice('whsec_'.length), 'base64') : Buffer.from(secret);
  const signature = createHmac('sha256', key).update(`${id}.${seconds}.${body}`).digest('base64');
  return { ...headers, 'webhook-signature': `v1,${signature}` };
}
