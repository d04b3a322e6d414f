/**
 * What recomputation costs in seconds: full-size networks under each strategy, the step run in turns with the plain one.
 * Prints the table of the README.
 */
import { loadSolver } from '../../passes/plan/budget/solver.ts';
import { type Compiled, type CompileOptions, compile } from '../../src/compile.ts';
import type { Execution } from '../../src/execution.ts';
import { type BuiltModel, ModelBuilder } from '../../src/frontend/builder/model-builder.ts';
import { fillWeights } from '../../src/frontend/weights.ts';
import { SublinearError } from '../../src/ir/diagnostic.ts';
import type { Model, Value } from '../../src/ir/graph.ts';
import { loadGraph } from './graphs.ts';
import { gpt2, resNet18 } from './step-models.ts';
import { timeInTurns, warmExecution } from './turns.ts';

/** U-Net (Ronneberger et al. 2015) with batch norm and padded convolutions, from 64 channels up. */
export function uNet(batch = 1, extent = 128, channels = 64, classes = 4): BuiltModel {
  const m = new ModelBuilder('unet');
  const twice = (x: Value, width: number): Value => {
    const a = m.relu(m.batchNorm(m.conv2d(x, width, 3)));
    return m.relu(m.batchNorm(m.conv2d(a, width, 3)));
  };
  const widths = [1, 2, 4, 8].map((factor) => factor * channels);
  const skips: Value[] = [];
  let h = m.input('images', [batch, 3, extent, extent]);
  for (const width of widths) {
    skips.push(twice(h, width));
    h = m.maxPool2d(skips.at(-1)!, 2);
  }
  h = twice(h, 16 * channels);
  for (const width of widths.reverse()) h = twice(m.concat([m.upsample2d(h, width), skips.pop()!], 1), width);
  m.loss(m.crossEntropy(m.conv2d(h, classes, 1, { bias: true }), m.input('labels', [batch, extent, extent], 'i64')));
  return m.finish();
}

interface Network {
  readonly label: string;
  readonly load: () => { readonly model: Model; readonly losses: readonly string[] } | undefined;
}

function mobileNet(): ReturnType<Network['load']> {
  const loaded = loadGraph('mobilenet_v2_b8');
  return loaded && { model: fillWeights(loaded.model, 'he', 1), losses: [loaded.loss] };
}

const built = (model: BuiltModel): ReturnType<Network['load']> => ({ model, losses: model.losses });

const networks: readonly Network[] = [
  { label: 'ResNet-18, batch 8, 224x224', load: () => built(resNet18()) },
  { label: 'MobileNetV2, batch 8, 224x224', load: mobileNet },
  { label: 'GPT-2 small, 4 of its layers, 512 tokens, 8192 words', load: () => built(gpt2(4, 512, 768, 12, 8192)) },
  { label: 'U-Net, 64 channels, 128x128', load: () => built(uNet()) },
];

const choices: readonly (readonly [label: string, options: Partial<CompileOptions>])[] = [
  ['none', { strategy: 'none' }],
  ['speed', { strategy: 'speed' }],
  ['memory', { strategy: 'memory' }],
  ['recursive', { strategy: 'recursive' }],
  ['budget 70 %', { strategy: 'budget', strategyOptions: { arena: '70%' } }],
  ['budget 50 %', { strategy: 'budget', strategyOptions: { arena: '50%' } }],
];

/** Undefined where the budget cannot be met. */
function within(compiling: () => Compiled): Compiled | undefined {
  try {
    return compiling();
  } catch (error) {
    if (error instanceof SublinearError && error.exitCode === 3) return undefined;
    throw error;
  }
}

function describe(plain: Execution, compiled: Compiled, turns: number): string {
  const own = compiled === plain.compiled ? plain : warmExecution(compiled);
  const { seconds, timesPlain } = timeInTurns(plain, own, turns);
  const time = own === plain ? `${seconds.toFixed(2)} s` : `x ${timesPlain.toFixed(2)}`;
  return `${(compiled.figures.peakBytes / 1e6).toFixed(0)} MB, ${time}`;
}

/** Markdown: a row a strategy, of each network its peak in MB of 10^6 bytes and its time by that of `none`. */
export async function recomputeTable(turns = 3): Promise<string> {
  const search = { solver: await loadSolver() };
  const columns: string[][] = [];
  for (const { label, load } of networks) {
    const loaded = load();
    if (loaded === undefined) {
      console.error(`${label}: skipped, its graph is not here`);
      continue;
    }
    const { model, losses } = loaded;
    const shared = { losses, optimizer: { kind: 'sgd' }, search } as const;
    const plain = warmExecution(compile(model, { ...shared, strategy: 'none' }));
    const column = [label];
    for (const [name, options] of choices) {
      const compiled = name === 'none' ? plain.compiled : within(() => compile(model, { ...shared, ...options }));
      column.push(compiled === undefined ? 'no plan fits' : describe(plain, compiled, turns));
      console.error(`${label}: ${name}: ${column.at(-1)}`);
    }
    columns.push(column);
  }
  const rows = [['strategy', ...choices.map(([name]) => name)], ...columns];
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const lines = rows[0]!.map((_, k) => line(rows.map((column) => column[k]!)));
  return [lines[0], line(rows.map((_, k) => (k === 0 ? '---' : '--:'))), ...lines.slice(1)].join('\n');
}
