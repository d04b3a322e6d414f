/** What update-and-free saves: the arena of steps that free each gradient at its update, against those that keep all. */
import { readFileSync } from 'node:fs';
import { formatTable } from '../../src/cli/format.ts';
import { compile } from '../../src/compile.ts';
import { attachLoss } from '../../src/frontend/loss.ts';
import { importOnnx } from '../../src/frontend/onnx/import.ts';
import { formatBytes } from '../../src/inspect/format-bytes.ts';
import { loadGraph } from './graphs.ts';

const resnet18 = new URL('../../examples/models/resnet18.onnx', import.meta.url);

const models = {
  'ResNet-18, narrow, batch 4': () => attachLoss(importOnnx(readFileSync(resnet18)).model),
  'GPT-2 small, batch 8, 512 tokens': () => loadGraph('gpt2_small_b8_t512'),
  'VGG-16, batch 8': () => loadGraph('vgg16_b8'),
} as const;

/** Planned and placed, not executed: arenas do not depend on numbers. Columns are bytes. */
export function updatesTable(optimizer = 'adamw'): string {
  const rows = [['model', 'strategy', 'gradients', 'arena, kept', 'arena, freed', 'saved', 'clipped by norm']];
  for (const [name, load] of Object.entries(models)) {
    const loaded = load();
    if (loaded === undefined) continue;
    for (const strategy of ['none', 'memory']) {
      const arena = (own: { keepGradients?: boolean; clipNorm?: number }): number =>
        compile(loaded.model, { losses: [loaded.loss], strategy, optimizer: { kind: optimizer }, ...own }).figures
          .arenaBytes;
      const kept = arena({ keepGradients: true });
      const freed = arena({});
      rows.push([
        name,
        strategy,
        formatBytes(gradientBytes(loaded)),
        formatBytes(kept),
        formatBytes(freed),
        `${((100 * (kept - freed)) / kept).toFixed(1)} %`,
        formatBytes(arena({ clipNorm: 1 })),
      ]);
    }
  }
  return formatTable(rows);
}

/** Bytes of the gradients of all trained parameters: each is as large as its parameter. */
function gradientBytes({ model, loss }: { model: ReturnType<typeof attachLoss>['model']; loss: string }): number {
  const { graph } = compile(model, { losses: [loss], strategy: 'none' });
  const primals = new Set(graph.outputs.flatMap((output) => (output.of === undefined ? [] : [output.of])));
  return graph.parameters
    .filter((value) => primals.has(value.name))
    .reduce((sum, { type }) => sum + 4 * type.shape.reduce((product, extent) => product * extent, 1), 0);
}
