/**
 * The reference project's own experiment: ResNets for 32x32 images, deeper and deeper, under each strategy. How many
 * times deeper a net fits into the bytes of the plain one, and at how much more time?
 *
 * Times are ratios: the plain step and the rewritten one run in turns in one process. What the operating system says of
 * memory comes from a process of its own for each measurement. Writes `out/bench/resnet-{bytes,seconds}.svg` and
 * `out/bench/resnet.csv`; the table goes to standard output, each row to standard error as it is known.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadSolver } from '../../passes/plan/budget/solver.ts';
import { formatTable } from '../../src/cli/format.ts';
import { type Compiled, compile } from '../../src/compile.ts';
import { SublinearError } from '../../src/ir/diagnostic.ts';
import { cifarResNet } from './cifar-resnet.ts';
import { type ChartSeries, lineChart } from './line-chart.ts';
import { type TurnTimes, timeInTurns, warmExecution } from './turns.ts';

/** Layers of the plain net whose bytes are the budget. */
const plainBlocks = 3;
const layersOf = (blocks: number): number => 6 * blocks + 2;

interface Row extends TurnTimes {
  readonly strategy: string;
  readonly layers: number;
  readonly peakBytes: number;
  readonly arenaBytes: number;
  /** Largest resident set of a process that compiles and runs this step, by the operating system. */
  readonly processBytes: number;
  /** Flops of recomputation by those of the plain step. */
  readonly extraFlops: number;
  /** Least cost of recomputation that is proved possible, by the cost of the plain step; of `budget` alone. */
  readonly boundShare?: number;
}

/** The step, compiled with SGD, or undefined where no plan fits the budget. */
async function compileResNet(
  blocks: number,
  batch: number,
  strategy: string,
  budget: number,
): Promise<Compiled | undefined> {
  const model = cifarResNet(blocks, batch);
  const shared = { losses: model.losses, strategy, optimizer: { kind: 'sgd' } } as const;
  if (strategy !== 'budget') return compile(model, shared);
  try {
    return compile(model, {
      ...shared,
      strategyOptions: { budget: String(budget) },
      search: { solver: await loadSolver() },
    });
  } catch (error) {
    if (error instanceof SublinearError && error.exitCode === 3) return undefined;
    throw error;
  }
}

/** Compiles and runs one step a few times and prints the process's largest resident set: for a process of its own. */
export async function printProcessBytes(
  blocks: number,
  batch: number,
  strategy: string,
  budget: number,
): Promise<void> {
  const compiled = await compileResNet(blocks, batch, strategy, budget);
  if (compiled === undefined) throw new Error('no plan fits');
  const execution = warmExecution(compiled);
  for (let step = 0; step < 2; step++) execution.machine.run();
  console.log(process.resourceUsage().maxRSS * 1024);
}

function processBytes(blocks: number, batch: number, strategy: string, budget: number): number {
  const own = [join(import.meta.dirname, 'resnet-process.ts'), blocks, batch, strategy, budget].map(String);
  return Number(execFileSync(process.execPath, [...process.execArgv, ...own], { encoding: 'utf8' }));
}

async function measureDepth(
  blocks: number,
  batch: number,
  strategies: readonly string[],
  budget: number,
  turns: number,
): Promise<Row[]> {
  const plain = await compileResNet(blocks, batch, 'none', budget);
  if (plain === undefined) throw new Error('ordinary backpropagation always has a plan');
  const plainExecution = warmExecution(plain);
  const rows: Row[] = [];
  for (const strategy of strategies) {
    const compiled = strategy === 'none' ? plain : await compileResNet(blocks, batch, strategy, budget);
    if (compiled === undefined) {
      console.error(`${layersOf(blocks)} layers: no plan fits ${budget} bytes`);
      continue;
    }
    const execution = strategy === 'none' ? plainExecution : warmExecution(compiled);
    const { figures, plan } = compiled;
    const row: Row = {
      strategy,
      layers: layersOf(blocks),
      peakBytes: figures.peakBytes,
      arenaBytes: figures.arenaBytes,
      processBytes: processBytes(blocks, batch, strategy, budget),
      ...timeInTurns(plainExecution, execution, turns),
      extraFlops: figures.recomputeFlops / (figures.flops - figures.recomputeFlops),
      ...(strategy === 'budget' && { boundShare: (plan.lowerBound - plan.baseCost) / plan.baseCost }),
    };
    rows.push(row);
    console.error(cells(row).join(' '));
  }
  return rows;
}

const heading = [
  'layers',
  'strategy',
  'peak MB',
  'arena MB',
  'process MB',
  'seconds',
  'time x none',
  'extra flops %',
  'least cost %',
];

function cells(row: Row): string[] {
  return [
    String(row.layers),
    row.strategy,
    (row.peakBytes / 1e6).toFixed(1),
    (row.arenaBytes / 1e6).toFixed(1),
    (row.processBytes / 1e6).toFixed(0),
    row.seconds.toFixed(3),
    row.timesPlain.toFixed(3),
    (100 * row.extraFlops).toFixed(1),
    row.boundShare === undefined ? '' : (100 * row.boundShare).toFixed(1),
  ];
}

/** Takes minutes: most of them are steps of the deep plain nets. */
export async function resnetTable(
  batch = 32,
  depths: readonly number[] = [1, 3, 6, 9, 13, 18, 25, 33],
  turns = 5,
): Promise<string> {
  const strategies = ['none', 'memory', 'speed', 'recursive', 'budget'];
  const twenty = await compileResNet(plainBlocks, batch, 'none', 0);
  const budget = twenty!.figures.peakBytes;
  const rows: Row[] = [];
  for (const blocks of depths) rows.push(...(await measureDepth(blocks, batch, strategies, budget, turns)));
  writeCharts(rows, strategies);
  const answers = strategies.flatMap((strategy) => {
    const deepest = rows.filter((row) => row.strategy === strategy && row.peakBytes <= budget).at(-1);
    if (deepest === undefined || strategy === 'none') return [];
    const times = (deepest.layers / layersOf(plainBlocks)).toFixed(1);
    const more = (100 * (deepest.timesPlain - 1)).toFixed(0);
    return [`${strategy}: ${deepest.layers} layers, ${times} times deeper, at ${more} % more time a step than plain`];
  });
  return [
    formatTable([heading, ...rows.map(cells)]),
    `deepest of these nets within the ${(budget / 1e6).toFixed(1)} MB of ${layersOf(plainBlocks)} plain layers:`,
    ...answers.map((line) => `  ${line}`),
  ].join('\n');
}

function writeCharts(rows: readonly Row[], strategies: readonly string[]): void {
  mkdirSync('out/bench', { recursive: true });
  const header =
    'strategy,layers,peak_bytes,arena_bytes,process_bytes,seconds,time_by_plain,recompute_flops_share,least_cost_share';
  const csv = rows.map((r) =>
    [
      r.strategy,
      r.layers,
      r.peakBytes,
      r.arenaBytes,
      r.processBytes,
      r.seconds,
      r.timesPlain,
      r.extraFlops,
      r.boundShare ?? '',
    ].join(','),
  );
  writeFileSync('out/bench/resnet.csv', `${[header, ...csv].join('\n')}\n`);
  const series = (of: (row: Row) => number): ChartSeries[] =>
    strategies.map((name) => ({
      name,
      points: rows.filter((row) => row.strategy === name).map((row) => ({ x: row.layers, y: of(row) })),
    }));
  const bytes = series((row) => row.peakBytes / 1e6);
  writeFileSync('out/bench/resnet-bytes.svg', lineChart('Peak of a training step', 'layers', 'megabytes', bytes));
  const seconds = series((row) => row.seconds);
  writeFileSync('out/bench/resnet-seconds.svg', lineChart('Time of a training step', 'layers', 'seconds', seconds));
}
