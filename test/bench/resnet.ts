/**
 * The reference project's own experiment: ResNets for 32x32 images, deeper and deeper, under each strategy. How many
 * times deeper a net fits into the bytes of the plain one, and at how much more time?
 *
 * Writes `out/bench/resnet-{bytes,seconds}.svg` and `out/bench/resnet.csv`; the table goes to standard output.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { formatTable } from '../../src/cli/format.ts';
import { stepInputs } from '../../src/cli/step-inputs.ts';
import { compile } from '../../src/compile.ts';
import { createExecution } from '../../src/execution.ts';
import { type BuiltModel, ModelBuilder } from '../../src/frontend/builder/model-builder.ts';
import type { Value } from '../../src/ir/graph.ts';
import { type ChartSeries, lineChart } from './line-chart.ts';

/** He et al. 2016 (arXiv 1512.03385, section 4.2): 3 stages of n blocks of two convolutions, 6n + 2 layers. */
export function cifarResNet(blocks: number, batch: number, width = 16): BuiltModel {
  const m = new ModelBuilder(`resnet${6 * blocks + 2}`);
  const block = (x: Value, channels: number, stride: number): Value => {
    const a = m.relu(m.batchNorm(m.conv2d(x, channels, 3, { stride })));
    const b = m.batchNorm(m.conv2d(a, channels, 3));
    const shortcut = stride === 1 ? x : m.batchNorm(m.conv2d(x, channels, 1, { stride, padding: 0 }));
    return m.relu(m.add(b, shortcut));
  };
  let h = m.relu(m.batchNorm(m.conv2d(m.input('images', [batch, 3, 32, 32]), width, 3)));
  for (const [stage, channels] of [width, 2 * width, 4 * width].entries())
    for (let i = 0; i < blocks; i++) h = block(h, channels, stage > 0 && i === 0 ? 2 : 1);
  m.loss(m.crossEntropy(m.linear(m.globalAveragePool(h), 10), m.input('labels', [batch], 'i64')));
  return m.finish();
}

interface Measurement {
  readonly strategy: string;
  readonly layers: number;
  readonly peakBytes: number;
  readonly arenaBytes: number;
  /** Resident set of the process by the operating system, after the steps. */
  readonly processBytes: number;
  /** Median of the steps. */
  readonly seconds: number;
  readonly recomputeFlopsShare: number;
}

function measure(
  blocks: number,
  batch: number,
  strategy: string,
  options: Readonly<Record<string, string>>,
  steps: number,
): Measurement {
  const model = cifarResNet(blocks, batch);
  const compiled = compile(model, { losses: model.losses, strategy, strategyOptions: options });
  const execution = createExecution(compiled);
  execution.setInputs(stepInputs(compiled.graph, new Map(), 1).tensors);
  execution.machine.run();
  const times: number[] = [];
  for (let step = 0; step < steps; step++) {
    const started = performance.now();
    execution.machine.run();
    times.push((performance.now() - started) / 1000);
  }
  times.sort((a, b) => a - b);
  const { figures } = compiled;
  return {
    strategy,
    layers: 6 * blocks + 2,
    peakBytes: figures.peakBytes,
    arenaBytes: figures.arenaBytes,
    processBytes: process.memoryUsage().rss,
    seconds: times[Math.floor(times.length / 2)]!,
    recomputeFlopsShare: figures.recomputeFlops / (figures.flops - figures.recomputeFlops),
  };
}

/** One strategy's deepest net within the bytes of the plain one of 20 layers. */
function deepestWithin(bytes: number, batch: number, strategy: string): number {
  let fits = 0;
  for (const blocks of [1, 2, 3, 5, 7, 9, 13, 18, 25, 33, 45, 60]) {
    const model = cifarResNet(blocks, batch);
    const { figures } = compile(model, { losses: model.losses, strategy });
    if (figures.peakBytes <= bytes) fits = 6 * blocks + 2;
  }
  return fits;
}

export function resnetTable(batch = 32, depths: readonly number[] = [1, 3, 5, 9, 18, 33], steps = 3): string {
  const strategies = ['none', 'memory', 'speed'];
  const results = depths.flatMap((blocks) => strategies.map((strategy) => measure(blocks, batch, strategy, {}, steps)));
  const plain = new Map(results.filter((r) => r.strategy === 'none').map((r) => [r.layers, r]));
  const rows = [['layers', 'strategy', 'peak MB', 'arena MB', 'process MB', 'seconds', 'time x none', 'extra flops %']];
  for (const r of results)
    rows.push([
      String(r.layers),
      r.strategy,
      (r.peakBytes / 1e6).toFixed(1),
      (r.arenaBytes / 1e6).toFixed(1),
      (r.processBytes / 1e6).toFixed(0),
      r.seconds.toFixed(3),
      (r.seconds / plain.get(r.layers)!.seconds).toFixed(3),
      (100 * r.recomputeFlopsShare).toFixed(1),
    ]);
  mkdirSync('out/bench', { recursive: true });
  const header = 'strategy,layers,peak_bytes,arena_bytes,process_bytes,seconds,recompute_flops_share';
  const csv = results.map((r) =>
    [r.strategy, r.layers, r.peakBytes, r.arenaBytes, r.processBytes, r.seconds, r.recomputeFlopsShare].join(','),
  );
  writeFileSync('out/bench/resnet.csv', `${[header, ...csv].join('\n')}\n`);
  const series = (of: (r: Measurement) => number): ChartSeries[] =>
    strategies.map((name) => ({
      name,
      points: results.filter((r) => r.strategy === name).map((r) => ({ x: r.layers, y: of(r) })),
    }));
  writeFileSync(
    'out/bench/resnet-bytes.svg',
    lineChart(
      'Peak memory of a training step',
      'layers',
      'megabytes',
      series((r) => r.peakBytes / 1e6),
    ),
  );
  writeFileSync(
    'out/bench/resnet-seconds.svg',
    lineChart(
      'Time of a training step',
      'layers',
      'seconds',
      series((r) => r.seconds),
    ),
  );
  const twenty = results.find((r) => r.strategy === 'none' && r.layers === 20);
  const depth =
    twenty === undefined ? [] : ['memory', 'recursive'].map((s) => `${s} ${deepestWithin(twenty.peakBytes, batch, s)}`);
  return `${formatTable(rows)}\nlayers that fit into the bytes of 20 plain layers: ${depth.join(', ')}`;
}
