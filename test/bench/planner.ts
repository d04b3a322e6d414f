/**
 * The budget planner on the six full-size graphs with SGD compiled in: recompute cost against its proved bound, and
 * against the best of sqrt(n), Chen's greedy with a sweep and lower-set plans at equal bytes.
 */
import { placedArena } from '../../passes/memory-plan.ts';
import { planForBudget } from '../../passes/plan/budget/plan-for-budget.ts';
import { loadSolver } from '../../passes/plan/budget/solver.ts';
import { chenGreedySweep } from '../../passes/plan/chen-greedy.ts';
import { lowerSetPlans } from '../../passes/plan/lower-sets.ts';
import { memory } from '../../passes/plan/memory.ts';
import type { CostModelName } from '../../src/analysis/cost-model.ts';
import { indexPlanGraph } from '../../src/analysis/plan-graph.ts';
import { simulate } from '../../src/analysis/simulate.ts';
import { toPlanGraph } from '../../src/analysis/to-plan-graph.ts';
import { formatTable } from '../../src/cli/format.ts';
import { compile } from '../../src/compile.ts';
import { graphNames, loadGraph } from './graphs.ts';

/** Prints each row as it is known: the whole table takes minutes. */
export async function plannerTable(
  shares: readonly number[] = [0.8, 0.6, 0.5, 0.4],
  costModels: readonly CostModelName[] = ['roofline', 'unit'],
): Promise<string> {
  const solver = await loadSolver();
  const rows = [['graph', 'costs', 'budget', 'cost', 'bound', 'cost/bound', 'baseline', 'ours/baseline', 'seconds']];
  const ratios: number[] = [];
  let free = 0;
  for (const name of graphNames) {
    const loaded = loadGraph(name);
    if (loaded === undefined) continue;
    const { planned } = compile(loaded.model, { losses: [loaded.loss], strategy: 'none', optimizer: { kind: 'sgd' } });
    for (const costModel of costModels) {
      const index = indexPlanGraph(toPlanGraph(planned, costModel));
      const none = placedArena(
        index,
        Int32Array.from({ length: index.nodeCount }, (_, n) => n),
      );
      const baselines = [memory(index, {}), ...chenGreedySweep(index), ...lowerSetPlans(index)].map((sequence) => {
        const { liveBytes, cost } = simulate(index, sequence);
        return { liveBytes, cost };
      });
      for (const share of shares) {
        const budget = Math.floor(share * none);
        const started = performance.now();
        const plan = planForBudget(index, {
          budget,
          solver,
          place: (simulation, sequence) => placedArena(index, sequence, simulation),
        });
        const seconds = (performance.now() - started) / 1000;
        const fitting = baselines
          .filter(({ liveBytes }) => liveBytes <= budget)
          .map(({ cost }) => cost - plan.baseCost);
        const baseline = fitting.length === 0 ? undefined : Math.min(...fitting);
        const extra = plan.cost - plan.baseCost;
        const bound = plan.lowerBound - plan.baseCost;
        if (plan.feasible && baseline !== undefined && baseline > 0) {
          if (extra > 0) ratios.push(extra / baseline);
          else free++;
        }
        rows.push([
          name,
          costModel,
          share.toFixed(1),
          plan.feasible ? String(extra) : plan.provedInfeasible ? 'proved infeasible' : 'none found',
          Number.isFinite(bound) ? String(bound) : 'infeasible',
          plan.feasible ? (bound > 0 ? (extra / bound).toFixed(3) : extra === 0 ? '1.000' : 'bound 0') : '',
          baseline === undefined ? 'infeasible' : String(baseline),
          plan.feasible && baseline !== undefined && baseline > 0 ? (extra / baseline).toFixed(3) : '',
          seconds.toFixed(1),
        ]);
        console.error(rows.at(-1)!.join(' '));
      }
    }
  }
  const mean = Math.exp(ratios.reduce((sum, ratio) => sum + Math.log(ratio), 0) / Math.max(1, ratios.length));
  return [
    formatTable(rows),
    `geometric mean of ours/baseline: ${mean.toFixed(3)} over the ${ratios.length} cells where both recompute`,
    `cells where the baseline recomputes and ours does not: ${free}`,
  ].join('\n');
}
