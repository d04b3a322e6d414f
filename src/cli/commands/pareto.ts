/** `sublinear pareto MODEL|PLAN-GRAPH`: cost against bytes, from the smallest budget that can be met to keeping all. */
import { join } from 'node:path';
import { type Command, Option } from 'commander';
import { effortNamed } from '../../../passes/plan/budget/budget-strategy.ts';
import { type ParetoPoint, paretoPlans } from '../../../passes/plan/pareto.ts';
import { planFromSequence } from '../../../passes/plan/plan.ts';
import { parsePlanGraph } from '../../analysis/check-plan-graph.ts';
import { residentBytes } from '../../analysis/figures.ts';
import { indexPlanGraph, type PlanIndex } from '../../analysis/plan-graph.ts';
import { toPlanGraph } from '../../analysis/to-plan-graph.ts';
import { printPlanFile } from '../../codegen/plan-file.ts';
import { compile, compileWithPlan } from '../../compile.ts';
import { readText } from '../../files/read-file.ts';
import { writeFileAtomically } from '../../files/write-file.ts';
import { type CommandOptions, compileOptions } from '../compile-for.ts';
import { formatTable } from '../format.ts';
import { addModelOptions, addPlanOptions, wholeNumber } from '../options.ts';
import { prepareModel } from '../prepare-model.ts';
import { printNotes } from '../print-notes.ts';
import { searchSettings } from '../search-settings.ts';
import { addUpdateOptions } from '../update-options.ts';

interface ParetoCommandOptions extends CommandOptions {
  readonly points: number;
  readonly output?: string;
  readonly json?: boolean;
}

export function addParetoCommand(program: Command): void {
  const command = program
    .command('pareto')
    .summary('show what bytes cost: the trade-off curve')
    .description('Plans FILE (a model, or a plan graph in JSON) within budgets from the smallest that can be met up.')
    .argument('<FILE>');
  addUpdateOptions(addPlanOptions(addModelOptions(command)))
    .addOption(new Option('--points <N>', 'budgets between the ends').argParser(wholeNumber(1)).default(8))
    .option('-o, --output <DIR>', 'save the plan of each point of a model there, for run --plan')
    .option('--json', 'print one JSON document')
    .action(async (path: string, options: ParetoCommandOptions) => {
      const search = await searchSettings();
      const curve = (index: PlanIndex): readonly ParetoPoint[] =>
        paretoPlans(index, { points: options.points, effort: effortNamed(options.effort ?? 'fast'), search });
      const files: string[] = [];
      let points: readonly ParetoPoint[];
      let resident = 0;
      if (path.endsWith('.json'))
        points = curve(indexPlanGraph(parsePlanGraph(readText(path, 'the plan graph'), path)));
      else {
        const prepared = await prepareModel(path, options);
        printNotes(prepared.notes);
        const own = await compileOptions(prepared, { ...options, strategy: 'none' });
        const { planned } = compile(prepared.model, own);
        const costModel = options.costs === 'unit' ? 'unit' : 'roofline';
        const index = indexPlanGraph(toPlanGraph(planned, costModel));
        resident = residentBytes(planned);
        points = curve(index);
        if (options.output !== undefined)
          for (const point of points) {
            const about = { strategy: 'budget', options: { arena: String(point.budget) }, costModel };
            const plan = {
              ...planFromSequence(index, point.sequence, about),
              lowerBound: point.lowerBound,
              bound: point.bound,
            };
            const compiled = compileWithPlan(prepared.model, own, () => plan);
            const file = join(options.output, `arena-${point.arenaBytes}.plan.json`);
            writeFileAtomically(file, printPlanFile(compiled.planned, plan, compiled.memory));
            files.push(file);
          }
      }
      process.stdout.write(
        options.json === true ? printJson(points, resident, files) : printCurve(path, points, resident, files),
      );
    });
}

function printJson(points: readonly ParetoPoint[], resident: number, files: readonly string[]): string {
  const listed = points.map(({ sequence: _sequence, ...point }, k) => ({
    ...point,
    peakBytes: resident + point.arenaBytes,
    ...(files[k] !== undefined && { plan: files[k] }),
  }));
  return `${JSON.stringify({ residentBytes: resident, points: listed }, null, 1)}\n`;
}

function printCurve(path: string, points: readonly ParetoPoint[], resident: number, files: readonly string[]): string {
  const percent = (cost: number, base: number): string =>
    `${base === 0 ? '0.0' : ((100 * (cost - base)) / base).toFixed(1)} %`;
  const rows = [
    ['', 'peak bytes', 'arena bytes', 'recomputation', 'at least'],
    ...points.map((point) => [
      point.knee ? 'knee' : '',
      String(resident + point.arenaBytes),
      String(point.arenaBytes),
      percent(point.cost, point.baseCost),
      percent(point.lowerBound, point.baseCost),
    ]),
  ];
  return `${path}\n${formatTable(rows, '  ')}\n${files.map((file) => `wrote ${file}\n`).join('')}`;
}
