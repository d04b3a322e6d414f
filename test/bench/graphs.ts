/** The six full-size training graphs under every strategy: planned and placed, not executed. */
import { readFileSync } from 'node:fs';
import { formatTable } from '../../src/cli/format.ts';
import { compile } from '../../src/compile.ts';
import { attachLoss } from '../../src/frontend/loss.ts';
import { importOnnx } from '../../src/frontend/onnx/import.ts';
import { sharedData } from '../shared-data.ts';

export const graphNames = [
  'vgg16_b8',
  'resnet50_b8',
  'densenet121_b8',
  'mobilenet_v2_b8',
  'unet64_b4',
  'gpt2_small_b8_t512',
] as const;

/** The model of a graph with its loss; weights are graph inputs called `m.*`. Undefined where the data is absent. */
export function loadGraph(name: string) {
  const path = sharedData(`graphs/${name}.onnx`);
  if (path === undefined) return undefined;
  return attachLoss(importOnnx(readFileSync(path), { params: ['m.*'], name }).model);
}

export function graphTable(strategies: readonly string[]): string {
  const rows = [['graph', 'strategy', 'resident MB', 'arena MB', 'arena/live', 'extra flops %', 'seconds']];
  for (const name of graphNames) {
    const loaded = loadGraph(name);
    if (loaded === undefined) continue;
    for (const strategy of strategies) {
      const started = performance.now();
      const { figures } = compile(loaded.model, { losses: [loaded.loss], strategy });
      rows.push([
        name,
        strategy,
        (figures.residentBytes / 1e6).toFixed(1),
        (figures.arenaBytes / 1e6).toFixed(1),
        (figures.arenaBytes / figures.liveBytes).toFixed(4),
        ((100 * figures.recomputeFlops) / (figures.flops - figures.recomputeFlops)).toFixed(2),
        ((performance.now() - started) / 1000).toFixed(2),
      ]);
    }
  }
  return formatTable(rows);
}
