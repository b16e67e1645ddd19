#!/usr/bin/env node
/* The command. Kept so small and old-fashioned (no `await` at the top, no `?.`) that any Node can parse it and say what it needs. */
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 12)) {
  // The caller's own command, to be pasted; what a shell would take apart stands in quotes. A login is not shown.
  const words = process.argv
    .slice(2)
    .map((arg) => arg.replace(/:\/\/.*@/, '://LOGIN@'))
    .map((arg) => (/^[\w@%+=:,./-]+$/.test(arg) ? arg : `'${arg.replace(/'/g, `'\\''`)}'`));
  process.stderr.write(
    `prescore needs Node 22.12 or newer; this is Node ${process.versions.node}. Install Node 24 (https://nodejs.org), ` +
      `or let npx fetch one beside it: npx -p node@24 -p prescore prescore ${words.length === 0 ? '--help' : words.join(' ')}\n`,
  );
  process.exitCode = 2;
} else void start();

async function start(): Promise<void> {
  // Should there be nothing left to wait for before the command is done, that is no success.
  process.exitCode = 70;
  const { enableCompileCache } = await import('node:module');
  enableCompileCache();
  const [command = '', ...rest] = process.argv.slice(2);
  const { spareScorer } = await import('./processes/spare-scorer.ts');
  // With a queue it is the workers who score; theirs waits for the first task.
  const isForWorkers = rest.some((arg) => arg === '--redis' || arg.startsWith('--redis='));
  if (command === 'worker' || (['run', 'plan', 'check'].includes(command) && !isForWorkers)) spareScorer.start();
  const { runProgram } = await import('./program/program.ts');
  process.exitCode = await runProgram(process.argv.slice(2));
  spareScorer.end();
}

export {};
