/** `sublinear fit MODEL`: the largest batch (or any symbolic dimension) whose step fits a budget at bearable extra cost. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { compile } from '../../compile.ts';
import { formatBytes } from '../../inspect/format-bytes.ts';
import { SublinearError } from '../../ir/diagnostic.ts';
import { type CommandOptions, compileOptions } from '../compile-for.ts';
import { addModelOptions, addPlanOptions, openExtent, wholeNumber } from '../options.ts';
import { prepareModel } from '../prepare-model.ts';
import { addUpdateOptions } from '../update-options.ts';

interface FitCommandOptions extends CommandOptions {
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
  addUpdateOptions(addPlanOptions(addModelOptions(command)))
    .addOption(
      new Option('--max-extra <SHARE>', 'recomputation that is bearable').argParser(percentage).default(0.3, '30%'),
    )
    .addOption(new Option('--limit <N>', 'largest extent that is tried').argParser(wholeNumber(1)).default(65536))
    .option('--json', 'print one JSON document')
    .action(async (path: string, options: FitCommandOptions) => {
      const name = Object.keys(options.dim).find((dimension) => options.dim[dimension] === openExtent);
      if (name === undefined)
        throw new SublinearError(
          { code: 'nothing-to-fit', message: 'fit needs the dimension to vary', hint: 'give it as --dim batch=?' },
          2,
        );
      if (options.budget === undefined && options.arenaBudget === undefined)
        throw new SublinearError(
          { code: 'bad-budget', message: 'fit needs a budget', hint: 'give one with --budget 512MiB' },
          2,
        );
      const budget = options.budget ?? options.arenaBudget ?? '';
      if (budget.includes('%'))
        throw new SublinearError(
          {
            code: 'bad-budget',
            message: `a budget of ${budget} grows with the batch`,
            hint: 'give it in bytes, like 512MiB',
          },
          2,
        );
      const attempt = async (extent: number): Promise<Fitted | SublinearError> => {
        try {
          return await fitAt(path, options, name, extent);
        } catch (error) {
          if (error instanceof SublinearError && error.exitCode === 3) return error;
          throw error;
        }
      };
      const report = await largest(attempt, options);
      process.stdout.write(
        options.json === true
          ? `${JSON.stringify({ model: path, dimension: name, ...report }, null, 1)}\n`
          : `${path}: ${name}=${report.extent} fits: peak ${formatBytes(report.peakBytes)}, arena ${formatBytes(report.arenaBytes)}, recomputation ${(100 * report.extra).toFixed(1)} %\n`,
      );
    });
}

async function fitAt(path: string, options: FitCommandOptions, name: string, extent: number): Promise<Fitted> {
  const prepared = await prepareModel(path, { ...options, dim: { ...options.dim, [name]: extent } });
  const own = await compileOptions(prepared, { ...options, strategy: 'budget', effort: options.effort ?? 'fast' });
  const { figures, plan } = compile(prepared.model, own);
  return {
    extent,
    peakBytes: figures.peakBytes,
    arenaBytes: figures.arenaBytes,
    extra: figures.recomputeCost / plan.baseCost,
  };
}

/** Doubles until it no longer fits, then bisects. Throws `SublinearError` (exit code 3) where not even 1 fits. */
async function largest(
  attempt: (extent: number) => Promise<Fitted | SublinearError>,
  { maxExtra, limit }: Pick<FitCommandOptions, 'maxExtra' | 'limit'>,
): Promise<Fitted> {
  const bearable = (result: Fitted | SublinearError): result is Fitted =>
    !(result instanceof SublinearError) && result.extra <= maxExtra;
  let best: Fitted | undefined;
  let failed: number | undefined;
  for (let extent = 1; extent <= limit; extent *= 2) {
    const result = await attempt(extent);
    if (!bearable(result)) {
      failed = extent;
      if (best === undefined) throw tooLarge(result, maxExtra);
      break;
    }
    best = result;
  }
  if (best === undefined) throw new Error('no extent was tried');
  if (failed === undefined) return best;
  let low = best.extent;
  while (failed - low > 1) {
    const middle = Math.floor((low + failed) / 2);
    const result = await attempt(middle);
    if (bearable(result)) {
      best = result;
      low = middle;
    } else failed = middle;
  }
  return best;
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
