import { readFileSync } from 'node:fs';

const LOOK_EVERY_MS = 500;
/** As early as this is loaded: whoever is gone by then has put this process into the background on purpose. */
const launcher = process.ppid;

/**
 * Calls `listener` at every SIGINT and SIGTERM, until the function that it gives is called.
 *
 * Under npm or npx a shell stands between npm and this process. npm passes SIGTERM on to the shell, which dies of it and tells
 * nobody: this process would go on as an orphan. So there the end of the shell counts as SIGTERM, unless a signal came already:
 * at Ctrl-C the terminal sends one to all of them.
 */
export function hearSignals(listener: (signal: NodeJS.Signals) => void): () => void {
  let isTold = false;
  const hear = (signal: NodeJS.Signals): void => {
    isTold = true;
    listener(signal);
  };
  process.on('SIGINT', hear);
  process.on('SIGTERM', hear);
  const timer = isUnderNpm() ? setInterval(look, LOOK_EVERY_MS).unref() : null;
  function look(): void {
    if (process.ppid === launcher) return;
    if (timer !== null) clearInterval(timer);
    if (!isTold) hear('SIGTERM');
  }
  return () => {
    process.off('SIGINT', hear);
    process.off('SIGTERM', hear);
    if (timer !== null) clearInterval(timer);
  };
}

/** npm, pnpm and yarn set these for what they start. A process with a session of its own (setsid) is meant to stay. */
function isUnderNpm(): boolean {
  const { npm_execpath: program, npm_config_user_agent: agent } = process.env;
  return (program !== undefined || agent !== undefined) && launcher > 1 && !hasOwnSession();
}

// `pid (command) state parent group session …`; where there is no /proc nobody can tell.
function hasOwnSession(): boolean {
  try {
    const stat = readFileSync('/proc/self/stat', 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[3]) === process.pid;
  } catch {
    return false;
  }
}
