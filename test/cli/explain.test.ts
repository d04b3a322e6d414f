/** `compile --explain` and `run --explain`, and the same from the library. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { model } from '../../examples/mlp.ts';
import {
  compile,
  type Explanation,
  explainCompiled,
  explainPlan,
  indexPlanGraph,
  parsePlanGraph,
} from '../../src/index.ts';
import { chain } from '../plan-graphs.ts';
import { sublinear, temporaryFolder } from './harness.ts';
import { planGraphJson } from './plan-graph-files.ts';

const mlp = 'examples/mlp.ts';

async function explained(...argv: readonly string[]): Promise<{ explanation: Explanation; cost: number }> {
  const { code, stdout, stderr } = await sublinear(...argv, '--explain', '--json');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout);
}

describe('--explain', () => {
  it('says the same from compile, from run, and from the library', async () => {
    const { explanation } = await explained('compile', mlp);
    expect((await explained('run', mlp)).explanation).toEqual(explanation);
    expect(JSON.parse(JSON.stringify(explainCompiled(compile(model, { losses: model.losses }))))).toEqual(explanation);
    expect(explanation.values.map(({ name }) => name)).toContain('tanh');
    expect(explanation.values).toHaveLength(31);
    expect(explanation.values.some(({ kept }) => kept)).toBe(true);
    expect(explanation.values.some(({ kept }) => !kept)).toBe(true);
  });

  it('prints a line a value, in nanoseconds, or in units', async () => {
    const { stdout } = await sublinear('compile', mlp, '--explain');
    expect(stdout.match(/^ {2}(tanh|linear)\S* +[\d,]+ {2}(kept, step|recomputed once for [\d,]+ ns:)/gm)).toHaveLength(
      31,
    );
    const unit = await sublinear('compile', mlp, '--explain', '--costs', 'unit');
    expect(unit.stdout).toMatch(/recomputed once for \d+: kept instead/);
  });

  it('of a budget on the peak speaks of what that leaves to the arena', async () => {
    const out = temporaryFolder();
    const budget = ['--budget', '1300000', '--effort', 'fast'];
    const { explanation } = await explained('compile', mlp, ...budget, '--emit', 'plan', '-o', out);
    const { residentBytes } = JSON.parse((await sublinear('compile', mlp, '--json')).stdout);
    expect(explanation.budget).toBe(1_300_000 - residentBytes);
    expect(explanation.liveBytes).toBeLessThanOrEqual(explanation.budget!);
    const replayed = await explained('run', mlp, '--plan', join(out, 'step.plan.json'));
    expect(replayed.explanation).toEqual(explanation);
  });

  it('explains a plan that is replayed, and a graph that comes rewritten, as the plan they came from', async () => {
    const folder = temporaryFolder();
    await sublinear('compile', mlp, '--strategy', 'recursive', '--emit', 'plan,ir', '-o', folder);
    const direct = await explained('compile', mlp, '--strategy', 'recursive');
    const replayed = await explained('run', mlp, '--plan', join(folder, 'step.plan.json'));
    expect(replayed.explanation).toEqual(direct.explanation);
    const rewritten = await sublinear('run', join(folder, 'step.ir'), '--explain', '--json');
    expect(JSON.parse(rewritten.stdout).explanation.values).toEqual(direct.explanation.values);
  });

  it('explains any plan graph in the library', () => {
    const index = indexPlanGraph(parsePlanGraph(planGraphJson(chain(3, { inPlace: false })), 'chain'));
    const { values, cost } = explainPlan(
      index,
      Int32Array.from({ length: index.nodeCount }, (_, n) => n),
    );
    expect(values.map(({ name }) => name)).toEqual(['a1', 'a2', 'a3']);
    expect(cost).toBe(index.nodeCount);
  });
});
