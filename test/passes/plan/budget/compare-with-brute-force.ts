/** The planner beside brute force on one small graph: what both find, and whether the promises hold that must hold always. */
import { planForBudget } from '../../../../passes/plan/budget/plan-for-budget.ts';
import type { Solver } from '../../../../passes/plan/budget/solver.ts';
import { indexPlanGraph, type PlanGraph } from '../../../../src/analysis/plan-graph.ts';
import { simulate } from '../../../../src/analysis/simulate.ts';
import { illegalities, namesOf, replay } from '../../../plan-graphs.ts';
import { bruteForce } from './brute-force.ts';

export interface Comparison {
  /** What breaks a law: an illegal sequence, a budget that is not kept, a bound above the optimum. Empty if nothing. */
  readonly faults: readonly string[];
  /** Whether the planner found nothing, or something dearer, where brute force found better. */
  readonly worse: boolean;
}

/** At a share of the graph's live bytes in source order; undefined where that is no budget at all. */
export function compareWithBruteForce(graph: PlanGraph, share: number, solver?: Solver): Comparison | undefined {
  const index = indexPlanGraph(graph);
  const none = simulate(index, Int32Array.from(graph.nodes.keys())).liveBytes;
  const budget = Math.floor((share * none) / 64) * 64;
  if (budget <= 0) return undefined;
  const optimum = bruteForce(graph, budget);
  const plan = planForBudget(index, {
    budget,
    effort: 'fast',
    place: (simulation) => simulation.liveBytes,
    ...(solver === undefined ? {} : { solver }),
  });
  const names = namesOf(graph, plan.sequence);
  const faults = [...illegalities(graph, names)];
  if (optimum === undefined) {
    if (plan.feasible) faults.push(`a plan of ${plan.cost} where brute force finds none`);
    return { faults, worse: false };
  }
  if (plan.provedInfeasible) faults.push('proved infeasible where brute force finds a sequence');
  if (plan.lowerBound > optimum) faults.push(`the bound ${plan.lowerBound} is above the optimum ${optimum}`);
  if (plan.feasible && plan.cost < optimum) faults.push(`a plan of ${plan.cost} below the optimum ${optimum}`);
  if (plan.feasible && replay(graph, names).liveBytes > budget) faults.push('the replay exceeds the budget');
  return { faults, worse: !plan.feasible || plan.cost > optimum };
}
