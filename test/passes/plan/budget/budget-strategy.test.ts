/** Budgets that cannot be met: what the error names can be met, in the figure that was limited. */
import { describe, expect, it } from 'vitest';
import { contextOf, planWithin } from '../../../../passes/plan/budget/budget-strategy.ts';
import { strategies } from '../../../../passes/plan/strategies.ts';
import { type PlanContext, watched } from '../../../../passes/plan/strategy.ts';
import { indexPlanGraph, type PlanGraph, type PlanIndex } from '../../../../src/analysis/plan-graph.ts';
import { simulate } from '../../../../src/analysis/simulate.ts';
import { compile } from '../../../../src/compile.ts';
import { ModelBuilder } from '../../../../src/frontend/builder/model-builder.ts';
import { SublinearError } from '../../../../src/ir/diagnostic.ts';
import { chain, counterDraw, randomPlanGraph } from '../../../plan-graphs.ts';

const bounded = strategies.get('budget')!.bounded!;

function refusal(index: PlanIndex, options: Readonly<Record<string, string>>, context: PlanContext): SublinearError {
  try {
    bounded(index, { effort: 'fast', ...options }, context);
  } catch (error) {
    if (error instanceof SublinearError) return error;
    throw error;
  }
  throw new Error('the budget was met');
}

const residentBytes = 10_000;

function within(graph: PlanGraph) {
  const index = indexPlanGraph(graph);
  const context: PlanContext = { residentBytes };
  return { index, context };
}

describe.each([
  ['a chain', chain(5, { inPlace: false, bytes: 640 })],
  ['a random graph', randomPlanGraph(counterDraw(31), 8)],
])('%s, within too little', (_name, graph) => {
  const { index, context } = within(graph);

  it('names the smallest peak for --budget, and that one is met', () => {
    const error = refusal(index, { budget: '10100' }, context);
    expect(error.exitCode).toBe(3);
    const [, bytes] = /hint: raise the budget to (\d+), or make the batch smaller$/.exec(error.message)!;
    expect(error.message).toContain(`no plan fits into a peak of 10100 bytes; the smallest found needs ${bytes}`);
    expect(error.message).toContain(`(residents ${residentBytes}, arena ${Number(bytes) - residentBytes})`);
    expect(bounded(index, { budget: bytes!, effort: 'fast' }, context).budget).toBe(Number(bytes) - residentBytes);
  });

  it('names the smallest arena for --arena-budget, and that one is met', () => {
    const error = refusal(index, { arena: '100' }, context);
    const [, bytes] = /raise the budget to (\d+)/.exec(error.message)!;
    expect(error.message).toContain(`no plan fits into an arena of 100 bytes; the smallest found needs ${bytes};`);
    expect(error.message).not.toContain('residents');
    expect(bounded(index, { arena: bytes!, effort: 'fast' }, context).budget).toBe(Number(bytes));
  });
});

describe('too little', () => {
  const graph = chain(5, { inPlace: false, bytes: 640 });
  const { index, context } = within(graph);

  it('as a share is answered by a share that is met', () => {
    for (const option of ['budget', 'arena']) {
      const error = refusal(index, { [option]: '1%' }, context);
      const [, share] = /\(([\d.]+%)\)/.exec(error.message)!;
      expect(() => bounded(index, { [option]: share!, effort: 'fast' }, context)).not.toThrow();
    }
  });

  it('for residents alone is said to be so', () => {
    expect(refusal(index, { budget: '9999' }, context).message).toContain('residents alone');
  });

  it('is explained by what is alive at the fullest step of the smallest plan', () => {
    const { message, diagnostics } = refusal(index, { arena: '100' }, context);
    const plan = planWithin(index, { budget: 100, effort: 'fast' });
    const { peakStep } = simulate(index, plan.sequence);
    expect(diagnostics[0]!.node).toBe(graph.nodes[plan.sequence[peakStep]!]!.name);
    expect(message).toMatch(/alive at its fullest step: \w+ \(\d+ bytes\)/);
  });
});

describe('a search that is watched', () => {
  const index = indexPlanGraph(chain(9, { inPlace: false, bytes: 640 }));

  it('and stopped keeps a plan that fits, and says it was stopped', () => {
    const all = planWithin(index, { budget: 3000, effort: 'fast' });
    const plan = planWithin(index, { budget: 3000, effort: 'fast', shouldStop: () => true });
    expect(plan).toMatchObject({ feasible: true, stopped: true });
    expect(plan.cost).toBeGreaterThanOrEqual(all.cost);
    const context = { ...contextOf(), search: { shouldStop: () => true } };
    expect(bounded(index, { arena: '3000', effort: 'fast' }, context).stopped).toBe(true);
  });

  it('and stopped before anything fits is interrupted: exit code 130', () => {
    const context = { ...contextOf(), search: { shouldStop: () => true } };
    const error = refusal(index, { arena: '100' }, context);
    expect(error.exitCode).toBe(130);
    expect(error.message).toContain('stopped before a plan within an arena of 100 bytes was found');
  });

  it('has its watch ended where it fails too', () => {
    const calls: string[] = [];
    const search = { onStart: () => calls.push('start'), onEnd: () => calls.push('end') };
    expect(() =>
      watched(search, () => {
        throw new Error('no');
      }),
    ).toThrow('no');
    expect(watched(undefined, () => 3)).toBe(3);
    expect(calls).toEqual(['start', 'end']);
  });
});

describe('a share', () => {
  const m = new ModelBuilder('shared');
  let h = m.input('x', [32, 16]);
  for (let layer = 0; layer < 4; layer++) h = m.tanh(m.linear(h, 16));
  m.loss(m.meanSquaredError(h, m.input('target', [32, 16])));
  const model = m.finish();

  it.each([undefined, { kind: 'adam' }])(
    'is one of what the strategy none reports: with the optimizer %o',
    (optimizer) => {
      const options = { losses: model.losses, ...(optimizer !== undefined && { optimizer }) };
      const { figures } = compile(model, { ...options, strategy: 'none' });
      const whole = (option: 'budget' | 'arena') =>
        compile(model, { ...options, strategy: 'budget', strategyOptions: { [option]: '100%', effort: 'fast' } });
      expect(whole('arena').plan.budget).toBe(figures.arenaBytes);
      expect(whole('budget').plan.budget).toBe(figures.peakBytes - figures.residentBytes);
      // Ordinary training itself fits.
      expect(whole('budget').figures).toMatchObject({ arenaBytes: figures.arenaBytes, recomputeCost: 0 });
      const most = compile(model, {
        ...options,
        strategy: 'budget',
        strategyOptions: { arena: '90%', effort: 'fast' },
      });
      expect(most.plan.budget).toBe(Math.floor(0.9 * figures.arenaBytes));
    },
  );
});
