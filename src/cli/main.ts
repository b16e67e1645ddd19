#!/usr/bin/env node
/* The command. Kept so small and old-fashioned that any Node can parse it and say what it needs. */
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 12)) {
  process.stderr.write(`prescore needs Node 22.12 or newer; this is Node ${process.versions.node}.\n`);
  process.exitCode = 2;
} else {
  const { enableCompileCache } = await import('node:module');
  enableCompileCache?.();
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
