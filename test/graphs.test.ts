/**
 * The six full-size training graphs, planned and placed but not executed: what ordinary training takes, what `memory`
 * saves, and that an executor which knows nothing of the plan stays within it.
 */
import { describe, expect, it } from 'vitest';
import { compile } from '../src/compile.ts';
import { graphNames, loadGraph } from './bench/graphs.ts';
import { fifoCheck, placementCheck } from './differential-checks.ts';
import { sharedData } from './shared-data.ts';

/** Megabytes (10^6 bytes) of arena, parameter gradients included. */
const limits: Readonly<Record<string, { readonly none: number; readonly memory: number }>> = {
  resnet50_b8: { none: 760, memory: 420 },
  gpt2_small_b8_t512: { none: 6500, memory: 1800 },
  unet64_b4: { none: 1480, memory: 880 },
};

describe.skipIf(sharedData('graphs') === undefined)('full-size graphs', () => {
  for (const name of graphNames)
    it(name, () => {
      const { model, loss } = loadGraph(name)!;
      for (const strategy of ['none', 'memory', 'speed', 'recursive']) {
        const compiled = compile(model, { losses: [loss], strategy });
        const { arenaBytes, liveBytes, flops, recomputeFlops } = compiled.figures;
        expect(fifoCheck(compiled), strategy).toEqual([]);
        expect(placementCheck(compiled.graph, compiled.memory), strategy).toEqual([]);
        expect(arenaBytes / liveBytes, `${strategy}: arena over live bytes`).toBeLessThanOrEqual(1.01);
        const limit = limits[name];
        if (strategy === 'none' && limit !== undefined) expect(arenaBytes / 1e6).toBeLessThanOrEqual(limit.none);
        if (strategy !== 'memory') continue;
        if (limit !== undefined) expect(arenaBytes / 1e6).toBeLessThanOrEqual(limit.memory);
        const forward = compile(model, { losses: [], strategy: 'none' }).figures.flops;
        expect(recomputeFlops).toBeLessThanOrEqual(forward);
        expect(flops - recomputeFlops).toBeGreaterThan(forward);
      }
    });
});
