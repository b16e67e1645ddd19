import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { refuseOldNode } from '../../../../src/base/errors/refuse-old-node.ts';
import { isNamedNode } from '../../../../src/cli/processes/node-lines.ts';

const root = join(import.meta.dirname, '../../../..');
const { engines } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { engines: { node: string } };

describe('releases of Node', () => {
  it.each(['22.12.0', '22.23.3', '24.0.0', '24.21.0', '26.0.0', '27.1.0', '30.0.0'])('%s is named', (version) => {
    expect(isNamedNode(version, engines.node)).toBe(true);
    refuseOldNode(version);
  });

  it.each(['23.0.0', '23.11.1', '25.9.0'])('%s is not, and not refused either', (version) => {
    expect(isNamedNode(version, engines.node)).toBe(false);
    refuseOldNode(version);
  });

  it.each(['8.17.0', '18.20.8', '20.20.2', '22.11.0', '22.0.0'])('%s is too old', (version) => {
    expect(isNamedNode(version, engines.node)).toBe(false);
    const message = /^NODE_UNSUPPORTED: this Node is too old; expected Node 22\.12 or newer; got Node /;
    expect(() => refuseOldNode(version)).toThrow(message);
  });

  it('the command names the same oldest one', () => {
    const oldest = /^\^(\d+)\.(\d+)/.exec(engines.node)!;
    const main = readFileSync(join(root, 'src/cli/main.ts'), 'utf8');
    expect(main).toContain(`major < ${oldest[1]} || (major === ${oldest[1]} && minor < ${oldest[2]})`);
    expect(main).toContain(`needs Node ${oldest[1]}.${oldest[2]} or newer`);
  });
});
