import { existsSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { runPython } from '../../test/harness/python.ts';
import type { ContactCase } from './first-contact.ts';

/** The cases that walk_models.py trains for a seed; made once into a folder. */
export async function trainedCases(folder: string, seed: number): Promise<ContactCase[]> {
  if (!existsSync(folder)) {
    const building = `${folder}.part`;
    rmSync(building, { recursive: true, force: true });
    await runPython('walk_models.py', [building, String(seed)], 'walk-requirements.txt');
    renameSync(building, folder);
  }
  return readdirSync(folder)
    .sort()
    .map((name): ContactCase => {
      const facts = JSON.parse(readFileSync(join(folder, name, 'case.json'), 'utf8')) as ContactCase;
      return { ...facts, name, model: join(folder, name, 'model.onnx'), table: join(folder, name, facts.table) };
    });
}
