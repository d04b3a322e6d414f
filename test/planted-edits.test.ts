/**
 * The table of planted faults that are edits of the sources (`npm run bench faults` plants them all): it keeps up with the
 * sources, and planting works end to end.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findMutants, mutatedText } from './faults/find-mutants.ts';
import { mirroringTests } from './faults/mirroring-tests.ts';
import { plantedEdits } from './faults/planted-edits.ts';
import { runFaults } from './faults/run-faults.ts';
import { countOccurrences, projectRoot } from './faults/source-edit.ts';
import { survivors } from './faults/survivors.ts';

describe('the table of planted faults', () => {
  it('has every part, and enough of them', () => {
    expect(plantedEdits.length).toBeGreaterThanOrEqual(120);
    expect([...new Set(plantedEdits.map(({ part }) => part))].sort()).toEqual([
      ...['arena', 'bounds', 'builder', 'command line', 'emission', 'importer', 'kernels', 'losses', 'lowering'],
      ...['op table', 'optimizers', 'planner', 'readers and writers', 'rewrite', 'simulator', 'thread splits'],
      ...['training loop', 'wasm kernels', 'wasm wrappers'],
    ]);
  });

  it('names text that stands in its file once, and tests that exist', () => {
    expect(plantedEdits.filter((fault) => countOccurrences(fault) !== 1)).toEqual([]);
    expect(plantedEdits.filter(({ before, after }) => before === after)).toEqual([]);
    expect(plantedEdits.flatMap(({ tests }) => tests).filter((test) => !existsSync(join(projectRoot, test)))).toEqual(
      [],
    );
  });
});

describe('planting', () => {
  it('finds the test that catches a fault, and tells of one that nobody catches', async () => {
    const glob = plantedEdits.find(({ what }) => what === 'a glob matches a beginning')!;
    const tests = ['test/ir/glob.test.ts'];
    const harmless = { ...glob, tests, after: `/* the same */ ${glob.before}` };
    const outcomes = await runFaults([{ ...glob, tests }, harmless]);
    expect(outcomes.map(({ caughtBy }) => caughtBy !== undefined)).toEqual([true, false]);
    expect(outcomes[0]!.caughtBy).toContain('glob');
  });
});

describe('mutants', () => {
  it('are found by the syntax tree, and change what they say', () => {
    const mutants = findMutants('src/analysis/range-max.ts');
    expect(mutants.length).toBeGreaterThan(10);
    expect(new Set(mutants.map(mutatedText)).size).toBe(mutants.length);
  });

  it('are held against the tests that mirror their file', () => {
    expect(mirroringTests('src/analysis/simulate.ts')).toContain('test/differential.test.ts');
    expect(mirroringTests('passes/recompute.ts')[0]).toBe('test/passes/recompute.test.ts');
    expect(mirroringTests('runtime/kernels/pool.ts')[0]).toBe('test/ops/nn/pool.test.ts');
  });

  it('known to change nothing still are in the sources', () => {
    const gone = survivors.filter(
      ({ file, text, change }) =>
        !findMutants(file).some((mutant) => mutant.text === text && change.endsWith(`-> ${mutant.after}`)),
    );
    expect(gone).toEqual([]);
  });
});
