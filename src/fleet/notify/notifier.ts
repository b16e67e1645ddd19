import { setTimeout as sleep } from 'node:timers/promises';
import type { JobNotify, WrittenJob } from '../../base/contract/job.ts';
import type { NotifyMessage } from './messages.ts';
import { signedHeaders } from './webhook-signature.ts';

/** Milliseconds. */
export const NOTIFY_TIMES = { attemptMs: 10_000, totalMs: 30_000, firstPauseMs: 500 } as const;

export interface NotifierOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Told of a message that could not be delivered: it never fails a run. */
  readonly warn: (text: string) => void;
  readonly times?: { readonly attemptMs: number; readonly totalMs: number; readonly firstPauseMs: number };
}

/**
 * Sends messages to a job's webhooks, beside the work. A receiver that is slow or down gets several tries within 30 s; then
 * the message is given up with a warning.
 */
export class Notifier {
  private readonly options: NotifierOptions;
  private readonly going = new Set<Promise<void>>();

  constructor(options: NotifierOptions) {
    this.options = options;
  }

  /** Begins to send to every webhook that asks for this kind. Errors: none. */
  tell(job: WrittenJob, message: NotifyMessage): void {
    for (const hook of job.notify) {
      if (!isWanted(hook, message)) continue;
      const sent = this.deliver(hook, message).finally(() => this.going.delete(sent));
      this.going.add(sent);
    }
  }

  /** Waits for what is under way, at most as long as one message may take. */
  async close(): Promise<void> {
    await Promise.all(this.going);
  }

  private async deliver(hook: JobNotify, message: NotifyMessage): Promise<void> {
    const { env, warn, times = NOTIFY_TIMES } = this.options;
    const where = new URL(hook.url).origin;
    const secret = hook.secretEnv === null ? null : (env[hook.secretEnv] ?? '');
    if (secret === '') {
      warn(`notify: ${hook.secretEnv} is not set; ${where} was not told`);
      return;
    }
    const deadline = Date.now() + times.totalMs;
    let pauseMs: number = times.firstPauseMs;
    for (let attempt = 1; ; attempt++) {
      const left = deadline - Date.now();
      const answer = await attemptOnce(hook.url, message, secret, Math.min(times.attemptMs, left));
      if (answer.isDelivered) return;
      const wait = Math.max(answer.retryAfterMs, pauseMs * (0.5 + Math.random() / 2));
      if (answer.isFinal || Date.now() + wait >= deadline) {
        warn(
          `notify: ${where} was not told of ${message.kind} (${answer.what}, ${attempt} ${attempt === 1 ? 'try' : 'tries'})`,
        );
        return;
      }
      await sleep(wait);
      pauseMs *= 2;
    }
  }
}

/** A hook without `rejects` hears of them as failures: a run that is not committed has failed. */
function isWanted(hook: JobNotify, { kind }: NotifyMessage): boolean {
  return hook.on.includes(kind) || (kind === 'rejects' && hook.on.includes('failed'));
}

interface Answer {
  readonly isDelivered: boolean;
  readonly isFinal: boolean;
  readonly retryAfterMs: number;
  readonly what: string;
}

async function attemptOnce(
  url: string,
  { id, body }: NotifyMessage,
  secret: string | null,
  ms: number,
): Promise<Answer> {
  const signed = signedHeaders(id, Math.floor(Date.now() / 1000), body, secret);
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'user-agent': 'prescore', ...signed },
      body,
      // A receiver that moved is a mistake in the job file; what it redirects to is not vouched for.
      redirect: 'manual',
      signal: AbortSignal.timeout(Math.max(1, ms)),
    });
    await response.body?.cancel();
    const { status } = response;
    const isLater = status === 408 || status === 425 || status === 429 || status >= 500;
    const after = Number(response.headers.get('retry-after') ?? 0);
    return {
      isDelivered: response.ok,
      isFinal: !isLater,
      retryAfterMs: Number.isFinite(after) ? after * 1000 : 0,
      what: `HTTP status ${status}`,
    };
  } catch (error) {
    return { isDelivered: false, isFinal: false, retryAfterMs: 0, what: reason(error) };
  }
}

function reason(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  const { code } = (cause ?? error) as { code?: unknown };
  if (typeof code === 'string') return code;
  return error instanceof Error && error.name === 'TimeoutError' ? 'no answer in time' : 'no connection';
}
