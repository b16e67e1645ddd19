/* `npm run -s prescore -- …` in a checkout: npm starts scripts in the root; paths mean the caller's folder. */
const { INIT_CWD } = process.env;
if (INIT_CWD !== undefined) process.chdir(INIT_CWD);
await import('../src/cli/main.ts');

export {};
