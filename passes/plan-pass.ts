/** The pass `plan`: runs a strategy on the graph's bare costs and keeps its sequence. */
import { costModelNamed, unmeasuredNodes } from '../src/analysis/costs-file.ts';
import { residentBytes } from '../src/analysis/figures.ts';
import { indexPlanGraph } from '../src/analysis/plan-graph.ts';
import { toPlanGraph } from '../src/analysis/to-plan-graph.ts';
import { nearestName, SublinearError } from '../src/ir/diagnostic.ts';
import { type Pass, type PassOptionSpec, stringOption } from './pass.ts';
import { planFromSequence } from './plan/plan.ts';
import { strategies } from './plan/strategies.ts';
import { type StrategyDefinition, watched } from './plan/strategy.ts';

function strategyOptions(): Readonly<Record<string, PassOptionSpec>> {
  const specs: Record<string, PassOptionSpec> = {};
  for (const definition of strategies.values())
    for (const option of definition.options)
      specs[option.name] = { doc: `${definition.name}: ${option.summary}`, default: option.fallback };
  return specs;
}

export function strategyNamed(name: string): StrategyDefinition {
  const definition = strategies.get(name);
  if (definition !== undefined) return definition;
  const nearest = nearestName(name, strategies.keys());
  throw new SublinearError(
    {
      code: 'unknown-strategy',
      message: `unknown strategy ${JSON.stringify(name)}`,
      hint:
        nearest === undefined
          ? `strategies are ${[...strategies.keys()].join(', ')}`
          : `did you mean ${JSON.stringify(nearest)}?`,
    },
    2,
  );
}

export const planPass: Pass = {
  name: 'plan',
  summary: 'Chooses the sequence of nodes: what is kept and what is computed again',
  options: {
    strategy: { doc: 'which strategy', default: 'memory' },
    costs: { doc: 'cost model: roofline, unit, or a file that run --profile wrote', default: 'roofline' },
    ...strategyOptions(),
  },
  requires: [],
  forbids: ['recomputed'],
  establishes: ['plan'],
  run(compilation, options) {
    const definition = strategyNamed(stringOption(options, 'strategy', 'memory'));
    const { model, name: costModel, source } = costModelNamed(stringOption(options, 'costs', 'roofline'));
    const { strategy: _strategy, costs: _costs, ...own } = options;
    const { graph } = compilation.model;
    const index = indexPlanGraph(toPlanGraph(graph, model));
    const costs = source === undefined ? {} : { costs: { ...source, unmeasured: unmeasuredNodes(graph, model) } };
    const about = { strategy: definition.name, options: own, costModel, ...costs };
    const { bounded } = definition;
    if (bounded === undefined) {
      const plan = planFromSequence(index, definition.sequence(index, own), about);
      return { compilation: { ...compilation, plan, planned: graph }, changed: false };
    }
    const { search } = compilation;
    const context = {
      residentBytes: residentBytes(graph),
      ...(search !== undefined && { search }),
    };
    const { sequence, ...found } = watched(search, () => bounded(index, own, context));
    const plan = { ...planFromSequence(index, sequence, about), ...found };
    return { compilation: { ...compilation, plan, planned: graph }, changed: false };
  },
};
