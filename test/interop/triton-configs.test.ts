import { expect, it } from 'vitest';
import { readTritonConfig } from '../../src/registry/import/triton-config.ts';
import { runPython } from '../harness/python.ts';

it('reads configurations as the parser of protobuf does', async () => {
  const said = await runPython('triton_configs.py', ['1', '1000'], 'triton-requirements.txt');
  const cases = JSON.parse(said) as readonly { readonly text: string; readonly config: unknown }[];
  expect(cases).toHaveLength(1000);
  for (const { text, config } of cases) expect(readTritonConfig(text, 'config.pbtxt'), text).toEqual(config);
}, 120_000);
