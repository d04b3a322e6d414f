/** `sublinear pareto MODEL|PLAN-GRAPH`: cost against bytes, from the smallest budget that can be met to keeping all. */
import { join } from 'node:path';
import { type Command, Option } from 'commander';
import { effortNamed } from '../../../passes/plan/budget/budget-strategy.ts';
import { type ParetoPoint, paretoPlans } from '../../../passes/plan/pareto.ts';
import { type Plan, planFromSequence } from '../../../passes/plan/plan.ts';
import { watched } from '../../../passes/plan/strategy.ts';
import { parsePlanGraph } from '../../analysis/check-plan-graph.ts';
import { costModelNamed, unmeasuredNodes } from '../../analysis/costs-file.ts';
import { residentBytes } from '../../analysis/figures.ts';
import { indexPlanGraph, type PlanIndex } from '../../analysis/plan-graph.ts';
import { toPlanGraph } from '../../analysis/to-plan-graph.ts';
import { printPlanFile } from '../../codegen/plan-file.ts';
import { compile, compileWithPlan } from '../../compile.ts';
import { readText } from '../../files/read-file.ts';
import { assertFolderWritable, writeFilesAtomically } from '../../files/write-file.ts';
import { SublinearError } from '../../ir/diagnostic.ts';
import { compileOptions } from '../compile-for.ts';
import { formatTable } from '../format.ts';
import { addGraphOptions, addSearchOptions, type GraphOptions, planDefaults, wholeNumber } from '../options.ts';
import { prepareModel } from '../prepare-model.ts';
import { printNotes, printOutput } from '../print-notes.ts';
import { searchSettings, stoppedNote } from '../search-settings.ts';
import { addOptimizerOptions, type UpdateOptions } from '../update-options.ts';

interface ParetoCommandOptions extends GraphOptions, UpdateOptions {
  readonly effort?: string;
  readonly costs: string;
  readonly points: number;
  readonly output?: string;
  readonly json?: boolean;
}

/** What is printed. */
interface Curve {
  readonly points: readonly ParetoPoint[];
  readonly residentBytes: number;
  /** Plan files of the points, in their order. */
  readonly files: readonly string[];
  readonly stopped: boolean;
}

type FindPoints = (index: PlanIndex) => readonly ParetoPoint[];

export function addParetoCommand(program: Command): void {
  const command = program
    .command('pareto')
    .summary('show what bytes cost: the trade-off curve')
    .description('Plans FILE (a model, or a plan graph in JSON) within budgets from the smallest that can be met up.')
    .argument('<FILE>');
  addOptimizerOptions(addSearchOptions(addGraphOptions(command)))
    .addOption(new Option('--points <N>', 'budgets between the ends').argParser(wholeNumber(1)).default(8))
    .option('-o, --output <DIR>', 'save the plan of each point of a model there, for run --plan')
    .option('--json', 'print one JSON document')
    .action(async (path: string, options: ParetoCommandOptions, called: Command) => {
      const search = await searchSettings();
      const effort = effortNamed(options.effort ?? 'fast');
      const find: FindPoints = (index) =>
        watched(search, () => paretoPlans(index, { ...search, points: options.points, effort }));
      const found = path.endsWith('.json') ? curveOfGraph(path, called, find) : await curveOfModel(path, options, find);
      const stopped = search.stopped();
      if (found.points.length === 0 && stopped)
        throw new SublinearError({ code: 'interrupted', message: 'stopped before a point was found' }, 130);
      if (stopped) printNotes([stoppedNote]);
      const curve = { ...found, stopped };
      printOutput(options.json === true ? printJson(curve) : printCurve(path, curve));
    });
}

/** Throws `SublinearError` (exit code 2) for options that are about models. */
function curveOfGraph(path: string, called: Command, find: FindPoints): Omit<Curve, 'stopped'> {
  const ofGraphs = ['effort', 'points', 'json', 'repro'];
  const idle = called.options.find(
    (option) =>
      called.getOptionValueSource(option.attributeName()) === 'cli' && !ofGraphs.includes(option.attributeName()),
  );
  if (idle !== undefined)
    throw new SublinearError(
      { code: 'bad-option', message: `${idle.long} is for models, and ${path} is a plan graph`, hint: 'leave it out' },
      2,
    );
  const index = indexPlanGraph(parsePlanGraph(readText(path, 'the plan graph'), path));
  return { points: find(index), residentBytes: 0, files: [] };
}

async function curveOfModel(
  path: string,
  options: ParetoCommandOptions,
  find: FindPoints,
): Promise<Omit<Curve, 'stopped'>> {
  if (options.output !== undefined) assertFolderWritable(options.output);
  const { model, name: costModel, source } = costModelNamed(options.costs);
  const prepared = await prepareModel(path, { ...options, seed: 0 });
  printNotes(prepared.notes);
  const { effort: _effort, ...unplanned } = options;
  const own = await compileOptions(prepared, { ...planDefaults, ...unplanned, seed: 0, strategy: 'none' });
  const { planned } = compile(prepared.model, own);
  const index = indexPlanGraph(toPlanGraph(planned, model));
  const points = find(index);
  const files = new Map<string, string>();
  const plans = options.output === undefined ? [] : points;
  for (const point of plans) {
    const plan: Plan = {
      ...planFromSequence(index, point.sequence, {
        strategy: 'budget',
        options: { arena: String(point.budget) },
        costModel,
      }),
      ...(source !== undefined && { costs: { ...source, unmeasured: unmeasuredNodes(planned, model) } }),
      lowerBound: point.lowerBound,
      bound: point.bound,
      budget: point.budget,
    };
    const compiled = compileWithPlan(prepared.model, own, () => plan);
    const file = join(options.output!, `arena-${point.arenaBytes}.plan.json`);
    files.set(file, printPlanFile(compiled.planned, plan, compiled.memory));
  }
  writeFilesAtomically(files);
  return { points, residentBytes: residentBytes(planned), files: [...files.keys()] };
}

function printJson({ points, residentBytes: resident, files, stopped }: Curve): string {
  const listed = points.map(({ sequence: _sequence, ...point }, k) => ({
    ...point,
    peakBytes: resident + point.arenaBytes,
    ...(files[k] !== undefined && { plan: files[k] }),
  }));
  const report = { residentBytes: resident, points: listed, ...(stopped && { stopped }) };
  return `${JSON.stringify(report, null, 1)}\n`;
}

function printCurve(path: string, { points, residentBytes: resident, files }: Curve): string {
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
