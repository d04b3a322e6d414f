/** The lower bound beside brute force on one small graph, all its cases tried: every backward node counts as tight. */
import { lowerBound } from '../../../../passes/plan/budget/lower-bound.ts';
import { prepare } from '../../../../passes/plan/budget/prepared.ts';
import type { Solver } from '../../../../passes/plan/budget/solver.ts';
import { backwardRegion, indexPlanGraph, type PlanGraph } from '../../../../src/analysis/plan-graph.ts';
import { simulate } from '../../../../src/analysis/simulate.ts';
import { bruteForce } from './brute-force.ts';

/** Cost of recomputation; undefined where no sequence fits or none need recompute. */
export function boundBesideBruteForce(
  graph: PlanGraph,
  share: number,
  solver: Solver,
): { readonly bound: number; readonly optimum: number } | undefined {
  const index = indexPlanGraph(graph);
  const order = Int32Array.from(graph.nodes.keys());
  const budget = Math.floor((share * simulate(index, order).liveBytes) / 64) * 64;
  const cost = bruteForce(graph, budget);
  const prepared = prepare(index);
  if (cost === undefined || cost === prepared.baseCost) return undefined;
  const tightNodes = [...order].filter((n) => index.region[n] === backwardRegion);
  const { extra } = lowerBound(prepared, { budget, solver, tightNodes, planned: Number.POSITIVE_INFINITY });
  return { bound: extra, optimum: cost - prepared.baseCost };
}
