/** The tests that are to notice a change of a file: those that mirror it in the tree, then those that run everything. */
import { existsSync, readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { projectRoot } from './source-edit.ts';

/** What runs whole compilations, quickly. */
const whole = ['differential', 'planted-faults', 'passes/recompute', 'passes/plan/strategies'];

/** Test files from the root, the nearest first. */
export function mirroringTests(file: string): readonly string[] {
  const name = basename(file, '.ts');
  if (file.startsWith('runtime/kernels/')) {
    const family = name.replace(/-(grad|integer|geometry|depthwise|patches|phases)$/, '');
    const own = ['ops', 'ops/nn'].map((folder) => `${folder}/${family}`);
    const batch = /norm$/.test(family) ? ['ops/nn/normalization'] : [];
    // Then the walk of the op table, every op's own tests, and the module's kernels beside the plain ones.
    const rest = ['ops', 'ops/nn', 'runtime/wasm', 'runtime/threads'].flatMap(within);
    return existing([...own, ...batch, 'ops/op-table', ...rest, 'frontend/onnx/random-operators']);
  }
  const folder = dirname(file).replace(/^src\//, '');
  return existing([`${folder}/${name}`, ...within(folder), ...whole]);
}

/** Tests of the folder itself, and of the one above where it has none. */
function within(folder: string): readonly string[] {
  const path = join(projectRoot, 'test', folder);
  const found = existsSync(path) ? readdirSync(path).filter((entry) => entry.endsWith('.test.ts')) : [];
  if (found.length === 0 && folder.includes('/')) return within(dirname(folder));
  return found.sort().map((entry) => `${folder}/${entry.replace(/\.test\.ts$/, '')}`);
}

function existing(tests: readonly string[]): readonly string[] {
  const files = [...new Set(tests)].map((test) => `test/${test}.test.ts`);
  return files.filter((test) => existsSync(join(projectRoot, test)));
}
