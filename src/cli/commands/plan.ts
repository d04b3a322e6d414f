/** `sublinear plan FILE`: plans a graph of bare costs (DESIGN section 8), from anywhere, within a budget on the arena. */
import { type Command, Option } from 'commander';
import { placedArena } from '../../../passes/memory-plan.ts';
import { effortNamed, infeasible } from '../../../passes/plan/budget/budget-strategy.ts';
import { type BudgetPlan, planForBudget } from '../../../passes/plan/budget/plan-for-budget.ts';
import { baseCost } from '../../../passes/plan/plan.ts';
import { strategyNamed } from '../../../passes/plan-pass.ts';
import { parseByteSize, resolveByteSize } from '../../analysis/byte-size.ts';
import { parsePlanGraph } from '../../analysis/check-plan-graph.ts';
import { indexPlanGraph, type PlanIndex } from '../../analysis/plan-graph.ts';
import { simulate } from '../../analysis/simulate.ts';
import { readText } from '../../files/read-file.ts';
import { formatTable } from '../format.ts';
import { searchSettings } from '../search-settings.ts';

interface PlanCommandOptions {
  readonly budget?: string;
  readonly strategy: string;
  readonly effort?: string;
  readonly json?: boolean;
}

/** What is printed of a plan, whatever made it. */
type PlanFigures = Pick<
  BudgetPlan,
  'sequence' | 'liveBytes' | 'arenaBytes' | 'cost' | 'baseCost' | 'lowerBound' | 'gap'
> & { readonly bound: string };

export function addPlanCommand(program: Command): void {
  program
    .command('plan')
    .summary('plan a graph of bare costs within a budget')
    .description('Plans FILE, a "sublinear-plan-graph/1" in JSON: the cheapest sequence whose arena fits the budget.')
    .argument('<FILE>')
    .addOption(
      new Option('--budget <SIZE>', 'bytes of the arena: 64MiB, or 40% of what keeping everything takes').implies({
        strategy: 'budget',
      }),
    )
    .option('-s, --strategy <NAME>', 'a named strategy in place of a budget', 'budget')
    .addOption(new Option('--effort <HOW>', 'moves of the search').choices(['fast', 'default', 'max']))
    .option('--json', 'print one JSON document')
    .action(async (path: string, options: PlanCommandOptions) => {
      const definition = strategyNamed(options.strategy);
      const index = indexPlanGraph(parsePlanGraph(readText(path, 'the plan graph'), path));
      const started = performance.now();
      const plan =
        definition.bounded === undefined
          ? namedPlan(index, definition.sequence(index, {}))
          : await budgetPlan(index, options);
      const seconds = (performance.now() - started) / 1000;
      process.stdout.write(options.json === true ? printJson(index, plan, seconds) : printTable(path, plan, seconds));
    });
}

/** Throws `SublinearError`, exit code 3, where nothing fits. */
async function budgetPlan(index: PlanIndex, options: PlanCommandOptions): Promise<PlanFigures> {
  const size = parseByteSize(options.budget ?? '', 'the budget');
  const sourceOrder = Int32Array.from({ length: index.nodeCount }, (_, n) => n);
  const budget = resolveByteSize(size, size.kind === 'share' ? placedArena(index, sourceOrder) : 0);
  const plan = planForBudget(index, {
    budget,
    effort: effortNamed(options.effort ?? 'default'),
    place: (simulation, sequence) => placedArena(index, sequence, simulation),
    ...(await searchSettings()),
  });
  if (!plan.feasible) throw infeasible(index, plan, budget, 0);
  return plan;
}

function namedPlan(index: PlanIndex, sequence: Int32Array): PlanFigures {
  const simulation = simulate(index, sequence);
  const base = baseCost(index);
  const extra = simulation.cost - base;
  return {
    sequence,
    liveBytes: simulation.liveBytes,
    arenaBytes: placedArena(index, sequence, simulation),
    cost: simulation.cost,
    baseCost: base,
    lowerBound: base,
    bound: 'each node once',
    gap: extra > 0 ? 1 : 0,
  };
}

function printJson(index: PlanIndex, plan: PlanFigures, seconds: number): string {
  const { sequence, liveBytes, arenaBytes, cost, baseCost: base, lowerBound, bound, gap } = plan;
  const steps = Array.from(sequence, (n) => index.graph.nodes[n]!.name);
  return `${JSON.stringify({ steps, liveBytes, arenaBytes, cost, baseCost: base, lowerBound, bound, gap, seconds }, null, 1)}\n`;
}

function printTable(path: string, plan: PlanFigures, seconds: number): string {
  const rows = [
    ['steps', String(plan.sequence.length)],
    ['live bytes', String(plan.liveBytes)],
    ['arena bytes', String(plan.arenaBytes)],
    ['cost', String(plan.cost)],
    ['base cost', String(plan.baseCost)],
    ['lower bound', `${plan.lowerBound} (${plan.bound})`],
    ['gap', plan.gap.toFixed(4)],
    ['seconds', seconds.toFixed(2)],
  ];
  return `${path}\n${formatTable(rows, '  ')}\n`;
}
