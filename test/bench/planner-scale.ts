/** Time of the budget planner against size, on one thread: random training graphs and deep chains at 0.6 of their arenas. */
import { placedArena } from '../../passes/memory-plan.ts';
import { planForBudget } from '../../passes/plan/budget/plan-for-budget.ts';
import { loadSolver } from '../../passes/plan/budget/solver.ts';
import { indexPlanGraph, type PlanGraph } from '../../src/analysis/plan-graph.ts';
import { formatTable } from '../../src/cli/format.ts';
import { chain, counterDraw, randomPlanGraph } from '../plan-graphs.ts';

/** Forward nodes of a random graph take about 2.5 backward nodes and updates each. */
const nodesAForwardNode = 2.78;

export async function plannerScaleTable(): Promise<string> {
  const solver = await loadSolver();
  const rows = [['graph', 'nodes', 'cost', 'bound', 'cost/bound', 'CPU seconds', 'times the one before']];
  const measure = (name: string, sizes: readonly number[], build: (nodes: number) => PlanGraph): void => {
    let before: number | undefined;
    for (const size of sizes) {
      const index = indexPlanGraph(build(size));
      const none = placedArena(
        index,
        Int32Array.from({ length: index.nodeCount }, (_, n) => n),
      );
      const started = process.cpuUsage();
      const plan = planForBudget(index, {
        budget: Math.floor(0.6 * none),
        solver,
        place: (simulation, sequence) => placedArena(index, sequence, simulation),
      });
      const { user, system } = process.cpuUsage(started);
      const seconds = (user + system) / 1e6;
      const extra = plan.cost - plan.baseCost;
      const bound = plan.lowerBound - plan.baseCost;
      rows.push([
        name,
        String(index.nodeCount),
        plan.feasible ? String(extra) : 'none found',
        String(bound),
        plan.feasible && bound > 0 ? (extra / bound).toFixed(3) : '',
        seconds.toFixed(1),
        before === undefined ? '' : (seconds / before).toFixed(1),
      ]);
      console.error(rows.at(-1)!.join(' '));
      before = seconds;
    }
  };
  measure('random', [1_000, 10_000, 100_000], (nodes) =>
    randomPlanGraph(counterDraw(1), Math.floor(nodes / nodesAForwardNode), { reach: 40, updates: false }),
  );
  measure('chain', [1_000, 10_000, 100_000], (nodes) => chain(nodes / 2, { loss: true }));
  return formatTable(rows);
}
