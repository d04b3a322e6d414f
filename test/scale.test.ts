import { describe, expect, it } from 'vitest';
import { compile } from '../src/compile.ts';
import { tanhChain, wideGraph } from './large-models.ts';

describe('large graphs compile under `memory`', () => {
  it('a chain of 20,000 layers', () => {
    const model = tanhChain(20_000);
    const { figures, planned } = compile(model, { losses: model.losses, strategy: 'memory' });
    expect(planned.nodes.length).toBeGreaterThan(40_000);
    expect(figures.liveBytes).toBeLessThan(64 * 400);
  });

  it('a random graph of 100,000 nodes', () => {
    const model = wideGraph(100_000);
    const { figures, planned } = compile(model, { losses: model.losses, strategy: 'memory' });
    expect(planned.nodes.length).toBeGreaterThan(90_000);
    expect(figures.arenaBytes).toBeGreaterThanOrEqual(figures.liveBytes);
  });
});
