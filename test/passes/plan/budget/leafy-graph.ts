/**
 * Small training steps in which much hangs beside the gradient's way: weight gradients whose order is free, views that
 * backward nodes make of activations, side branches of the forward part that nothing later reads. What bounds have to
 * take into account of orders shows on these.
 */
import type { PlanGraph, PlanNode, PlanResult } from '../../../../src/analysis/plan-graph.ts';
import type { Draw } from '../../../plan-graphs.ts';

/** At most `mostNodes` nodes; `layers` forward layers. */
export function leafyGraph(draw: Draw, layers: number, mostNodes = 8): PlanGraph {
  const nodes: PlanNode[] = [];
  const outputs: string[] = [];
  const sizes = new Map<string, number>([['x', 64]]);
  const add = (
    region: PlanNode['region'],
    name: string,
    inputs: readonly string[],
    result: Partial<PlanResult> = {},
  ): string => {
    const bytes = result.view === undefined ? 64 * (1 + draw(6)) : sizes.get(result.view)!;
    sizes.set(name, bytes);
    nodes.push({
      name,
      inputs: [...new Set(inputs)],
      outputs: [{ name, bytes, ...result }],
      cost: result.view === undefined ? 1 + draw(6) : 0,
      region,
      recomputable: region === 'forward' && draw(12) > 0,
      scratch: draw(5) === 0 ? 64 * draw(4) : 0,
    });
    return name;
  };
  const over = (donor: string): Partial<PlanResult> => (donor !== 'x' && draw(2) === 0 ? { over: donor } : {});
  const layersOut = ['x'];
  for (let i = 1; i <= layers; i++) {
    const before = layersOut[i - 1]!;
    const skip = draw(3) === 0 ? [layersOut[draw(i)]!] : [];
    layersOut.push(add('forward', `f${i}`, [before, ...skip], over(before)));
    if (draw(5) === 0) add('forward', `side${i}`, [`f${i}`]);
  }
  let gradient = add('backward', 'seed', draw(2) === 0 ? [layersOut[layers]!] : []);
  for (let i = layers; i >= 1 && nodes.length < mostNodes; i--) {
    const here = layersOut[i]!;
    const before = layersOut[i - 1]!;
    let read = before;
    if (before !== 'x' && draw(4) === 0 && nodes.length + 2 < mostNodes)
      read = add('backward', `view${i}`, [before], { view: before });
    const leaves = draw(3);
    const early = draw(2) === 0;
    const leaf = (k: number): void => {
      if (nodes.length >= mostNodes - 1) return;
      const name = add('backward', `leaf${i}_${k}`, [upstream, k === 0 ? read : here], over(upstream));
      if (draw(3) === 0) outputs.push(name);
    };
    const upstream = gradient;
    if (early) for (let k = 0; k < leaves; k++) leaf(k);
    const wanted = draw(2) === 0 ? [here] : draw(2) === 0 ? [before] : [];
    gradient = add('backward', `d${i}`, [upstream, ...wanted], over(upstream));
    if (!early) for (let k = 0; k < leaves; k++) leaf(k);
  }
  outputs.push(gradient);
  return { inputs: [{ name: 'x', bytes: 64 }], nodes, outputs };
}
