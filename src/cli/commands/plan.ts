/** `sublinear plan FILE`: plans a graph of bare costs (DESIGN section 8), from anywhere, within a budget on the arena. */
import { type Command, Option } from 'commander';
import { placedArena } from '../../../passes/memory-plan.ts';
import { contextOf } from '../../../passes/plan/budget/budget-strategy.ts';
import { baseCost } from '../../../passes/plan/plan.ts';
import { type BoundedSequence, watched } from '../../../passes/plan/strategy.ts';
import { strategyNamed } from '../../../passes/plan-pass.ts';
import { parsePlanGraph } from '../../analysis/check-plan-graph.ts';
import { explainPlan } from '../../analysis/explain-plan.ts';
import { indexPlanGraph, type PlanIndex } from '../../analysis/plan-graph.ts';
import { simulate } from '../../analysis/simulate.ts';
import { readText } from '../../files/read-file.ts';
import { describeExplanation } from '../explain.ts';
import { formatTable } from '../format.ts';
import { addEffortOption, addStrategyOptions, type StrategyOptions, strategyOptions } from '../options.ts';
import { printNotes, printOutput } from '../print-notes.ts';
import { searchSettings, stoppedNote } from '../search-settings.ts';

interface PlanCommandOptions extends StrategyOptions {
  readonly budget?: string;
  readonly effort?: string;
  readonly explain?: boolean;
  readonly json?: boolean;
}

/** What is printed of a plan, whatever made it. */
interface PlanFigures {
  readonly sequence: Int32Array;
  readonly liveBytes: number;
  readonly arenaBytes: number;
  readonly cost: number;
  readonly baseCost: number;
  readonly lowerBound: number;
  readonly bound: string;
  readonly gap: number;
  readonly budget?: number;
  readonly stopped?: true;
}

export function addPlanCommand(program: Command): void {
  const command = program
    .command('plan')
    .summary('plan a graph of bare costs within a budget')
    .description('Plans FILE, a "sublinear-plan-graph/1" in JSON: the cheapest sequence whose arena fits the budget.')
    .argument('<FILE>')
    .addOption(
      new Option('--budget <SIZE>', 'bytes of the arena: 64MiB, or 40% of what keeping everything takes').implies({
        strategy: 'budget',
      }),
    );
  addEffortOption(addStrategyOptions(command, 'budget'))
    .option('--explain', 'say of each value why it is kept or recomputed')
    .option('--json', 'print one JSON document')
    .action(async (path: string, options: PlanCommandOptions) => {
      const index = indexPlanGraph(parsePlanGraph(readText(path, 'the plan graph'), path));
      const started = performance.now();
      const plan = await planned(index, options);
      const seconds = (performance.now() - started) / 1000;
      if (plan.stopped === true) printNotes([stoppedNote]);
      const explanation = options.explain === true ? explainPlan(index, plan.sequence, plan.budget) : undefined;
      printOutput(
        options.json === true
          ? printJson(index, plan, seconds, explanation)
          : printTable(path, plan, seconds) + (explanation === undefined ? '' : describeExplanation(explanation, '')),
      );
    });
}

/** Throws `SublinearError`: exit code 2 for options the strategy does not have, 3 where nothing fits the budget. */
async function planned(index: PlanIndex, options: PlanCommandOptions): Promise<PlanFigures> {
  const definition = strategyNamed(options.strategy);
  const { budget, ...rest } = options;
  const own = strategyOptions({ ...rest, ...(budget !== undefined && { arenaBudget: budget }) }, []);
  const base = baseCost(index);
  if (definition.bounded === undefined)
    return figuresOf(index, { sequence: definition.sequence(index, own), lowerBound: base, bound: 'each node once' });
  const { bounded } = definition;
  const search = await searchSettings();
  return figuresOf(
    index,
    watched(search, () => bounded(index, own, contextOf(search))),
  );
}

function figuresOf(
  index: PlanIndex,
  plan: Omit<BoundedSequence, 'budget'> & Partial<Pick<BoundedSequence, 'budget'>>,
): PlanFigures {
  const simulation = simulate(index, plan.sequence);
  const { liveBytes, cost } = simulation;
  const base = baseCost(index);
  return {
    ...plan,
    liveBytes,
    arenaBytes: placedArena(index, plan.sequence, simulation),
    cost,
    baseCost: base,
    gap: cost > base ? (cost - plan.lowerBound) / (cost - base) : 0,
  };
}

function printJson(index: PlanIndex, plan: PlanFigures, seconds: number, explanation: object | undefined): string {
  const { sequence, liveBytes, arenaBytes, cost, baseCost: base, lowerBound, bound, gap, stopped } = plan;
  const report = {
    steps: Array.from(sequence, (n) => index.graph.nodes[n]!.name),
    liveBytes,
    arenaBytes,
    cost,
    baseCost: base,
    lowerBound,
    bound,
    gap,
    seconds,
    ...(stopped === true && { stopped }),
    ...(explanation !== undefined && { explanation }),
  };
  return `${JSON.stringify(report, null, 1)}\n`;
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
