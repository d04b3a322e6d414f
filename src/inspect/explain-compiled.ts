/** Why each value of a compiled step is kept or recomputed (`src/analysis/explain-plan.ts`). */
import { collapse } from '../analysis/collapse.ts';
import { costModelNamed } from '../analysis/costs-file.ts';
import { type Explanation, explainPlan } from '../analysis/explain-plan.ts';
import { indexPlanGraph } from '../analysis/plan-graph.ts';
import { toPlanGraph } from '../analysis/to-plan-graph.ts';
import type { Compiled } from '../compile.ts';
import { isGraph, isRecord, wrongArgument } from '../ir/arguments.ts';
import { SublinearError } from '../ir/diagnostic.ts';

/**
 * Figures are in units of the plan's cost model. Throws `SublinearError` where its measured costs are gone, or are no
 * longer those it was made with.
 */
export function explainCompiled(compiled: Pick<Compiled, 'planned' | 'plan'>): Explanation {
  if (!isRecord(compiled) || !isGraph(compiled.planned) || !isRecord(compiled.plan))
    throw wrongArgument('explainCompiled', 'what `compile` gives', compiled);
  const { planned, plan } = compiled;
  const { model, source } = costModelNamed(plan.costs?.file ?? plan.costModel);
  if (source?.hash !== plan.costs?.hash)
    throw new SublinearError({
      code: 'costs-changed',
      message: `${plan.costs?.file} has changed since the plan was made with its costs`,
      hint: 'plan anew to have it explained',
    });
  // A graph that came rewritten has its clones as nodes of their own; the plan is what it says they are copies of.
  const rewritten = planned.nodes.some((node) => node.recompute !== undefined);
  const originals = new Map(planned.nodes.map((node) => [node.name, node.recompute ?? node.name]));
  const graph = rewritten ? collapse(planned) : planned;
  const numbers = new Map(graph.nodes.map((node, n) => [node.name, n]));
  const sequence = Int32Array.from(plan.sequence, (name) => numbers.get(originals.get(name) ?? name)!);
  return explainPlan(indexPlanGraph(toPlanGraph(graph, model)), sequence, plan.budget);
}
