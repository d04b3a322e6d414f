/** `sublinear fit MODEL`: the largest batch (or any symbolic dimension) whose step fits a budget at bearable extra cost. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { Plan } from '../../../passes/plan/plan.ts';
import type { SearchSettings } from '../../../passes/plan/strategy.ts';
import { parseByteSize } from '../../analysis/byte-size.ts';
import { compile } from '../../compile.ts';
import { formatBytes } from '../../inspect/format-bytes.ts';
import { SublinearError } from '../../ir/diagnostic.ts';
import { compileOptions, planNotes } from '../compile-for.ts';
import { largestExtent } from '../largest-extent.ts';
import {
  addBudgetOptions,
  addGraphOptions,
  addSearchOptions,
  type BudgetOptions,
  type GraphOptions,
  openExtent,
  planDefaults,
  type SearchOptions,
  wholeNumber,
} from '../options.ts';
import { prepareModel } from '../prepare-model.ts';
import { printNotes, printOutput } from '../print-notes.ts';
import { searchSettings } from '../search-settings.ts';
import { addOptimizerOptions, type UpdateOptions } from '../update-options.ts';

interface FitCommandOptions extends GraphOptions, BudgetOptions, SearchOptions, UpdateOptions {
  readonly maxExtra: number;
  readonly limit: number;
  readonly json?: boolean;
}

interface Fitted {
  readonly extent: number;
  readonly peakBytes: number;
  readonly arenaBytes: number;
  /** Share of the cost of ordinary training. */
  readonly extra: number;
  readonly plan: Plan;
}

function percentage(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*%$/.exec(text.trim());
  if (match === null) throw new InvalidArgumentError('Write it like 30%.');
  return Number(match[1]) / 100;
}

export function addFitCommand(program: Command): void {
  const command = program
    .command('fit')
    .summary('find the largest batch that fits a budget')
    .description('Finds the largest extent of the dimension given as NAME=? for which the step of MODEL fits --budget.')
    .argument('<MODEL>');
  addOptimizerOptions(addSearchOptions(addBudgetOptions(addGraphOptions(command))))
    .addOption(
      new Option('--max-extra <SHARE>', 'recomputation that is bearable').argParser(percentage).default(0.3, '30%'),
    )
    .addOption(new Option('--limit <N>', 'largest extent that is tried').argParser(wholeNumber(1)).default(65536))
    .option('--json', 'print one JSON document')
    .action(async (path: string, options: FitCommandOptions) => {
      const { name, budget } = requiredOptions(options);
      const search = await searchSettings();
      // One watch over all searches.
      const { onStart, onEnd, ...quiet } = search;
      const { solver: _dear, ...quick } = quiet;
      const attempt = async (extent: number, thorough: boolean): Promise<Fitted | SublinearError> => {
        // Whether an extent fits is soon known; how well, and what it lacks, takes the whole search.
        const how = thorough ? quiet : { ...quick, descend: false, bearable: options.maxExtra };
        try {
          return await fitAt(path, options, how, name, extent);
        } catch (error) {
          if (error instanceof SublinearError && (error.exitCode === 3 || error.exitCode === 130)) return error;
          throw error;
        }
      };
      onStart();
      const { plan, ...fitted } = await largest(attempt, options, search.stopped).finally(onEnd);
      const stopped = search.stopped();
      printNotes(planNotes(plan));
      if (stopped) printNotes([{ code: 'search-stopped', message: 'stopped: larger extents may fit' }]);
      const { extent, peakBytes, arenaBytes, extra } = fitted;
      printOutput(
        options.json === true
          ? `${JSON.stringify({ model: path, dimension: name, budget, ...fitted, ...(stopped && { stopped }) }, null, 1)}\n`
          : `${path}: ${name}=${extent} fits: peak ${formatBytes(peakBytes)}, arena ${formatBytes(arenaBytes)}, recomputation ${(100 * extra).toFixed(1)} %\n`,
      );
    });
}

/** The dimension to vary, and the bytes to stay within. Throws `SublinearError` (exit code 2). */
function requiredOptions(options: FitCommandOptions): { readonly name: string; readonly budget: number } {
  const wrong = (code: string, message: string, hint: string): never => {
    throw new SublinearError({ code, message, hint }, 2);
  };
  const open = Object.keys(options.dim).filter((dimension) => options.dim[dimension] === openExtent);
  const [name] = open;
  if (name === undefined) return wrong('nothing-to-fit', 'fit needs the dimension to vary', 'give it as --dim batch=?');
  if (open.length > 1)
    return wrong(
      'nothing-to-fit',
      `fit varies one dimension, not ${open.join(' and ')}`,
      'bind the others like --dim length=128',
    );
  const text = options.budget ?? options.arenaBudget;
  if (text === undefined) return wrong('bad-budget', 'fit needs a budget', 'give one with --budget 512MiB');
  const size = parseByteSize(text);
  if (size.kind === 'bytes') return { name, budget: size.bytes };
  return wrong('bad-budget', `a budget of ${text} grows with the batch`, 'give it in bytes, like 512MiB');
}

async function fitAt(
  path: string,
  options: FitCommandOptions,
  search: SearchSettings,
  name: string,
  extent: number,
): Promise<Fitted> {
  const prepared = await prepareModel(path, { ...options, dim: { ...options.dim, [name]: extent }, seed: 0 });
  const budgeted = {
    ...planDefaults,
    ...options,
    seed: 0,
    strategy: 'budget',
    effort: options.effort ?? 'fast',
  };
  // What is to be said of a plan is said of the last one.
  const { onPass: _quiet, ...own } = await compileOptions(prepared, budgeted, search);
  const { figures, plan } = compile(prepared.model, own);
  return {
    extent,
    peakBytes: figures.peakBytes,
    arenaBytes: figures.arenaBytes,
    extra: plan.baseCost === 0 ? 0 : figures.recomputeCost / plan.baseCost,
    plan,
  };
}

/** Throws `SublinearError` (exit code 3) where not even 1 fits. */
async function largest(
  attempt: (extent: number, thorough: boolean) => Promise<Fitted | SublinearError>,
  { maxExtra, limit }: Pick<FitCommandOptions, 'maxExtra' | 'limit'>,
  stopped: () => boolean,
): Promise<Fitted> {
  const bearable = (result: Fitted | SublinearError): result is Fitted =>
    !(result instanceof SublinearError) && result.extra <= maxExtra;
  const first = await attempt(1, true);
  if (!bearable(first)) throw tooLarge(first, maxExtra);
  const quick = async (extent: number): Promise<Fitted | undefined> => {
    const result = extent === 1 ? first : await attempt(extent, false);
    return bearable(result) ? result : undefined;
  };
  const best = (await largestExtent(quick, limit, stopped)) ?? first;
  const thorough = stopped() ? best : await attempt(best.extent, true);
  return bearable(thorough) ? thorough : best;
}

function tooLarge(result: Fitted | SublinearError, maxExtra: number): SublinearError {
  if (result instanceof SublinearError) return result;
  return new SublinearError(
    {
      code: 'budget-infeasible',
      message: `even an extent of 1 needs ${(100 * result.extra).toFixed(1)} % recomputation, more than ${(100 * maxExtra).toFixed(1)} %`,
      hint: 'raise the budget, or --max-extra',
    },
    3,
  );
}
