/** Plan graphs as files, for the tests of the commands that read them. */
import type { PlanGraph, PlanNode } from '../../src/analysis/plan-graph.ts';
import { chain, counterDraw, randomPlanGraph } from '../plan-graphs.ts';
import { writeInto } from './models.ts';

export function planGraphJson(graph: Partial<PlanGraph> & { readonly format?: string }): string {
  return JSON.stringify({ format: 'sublinear-plan-graph/1', ...graph });
}

/** A chain of layers of 4096 bytes: ten may be planned within twelve kilobytes or more, at several prices. */
export function writeChain(folder: string, layers = 10): string {
  return writeInto(folder, 'chain.json', planGraphJson(chain(layers, { inPlace: false, bytes: 4096 })));
}

/** Nobody finds the best plan of this one soon. */
export function writeLong(folder: string): string {
  return writeInto(
    folder,
    'long.json',
    planGraphJson(randomPlanGraph(counterDraw(11), 400, { updates: false, reach: 40 })),
  );
}

const small: PlanGraph = chain(3, { inPlace: false, bytes: 4096 });

/** A graph of three layers, at fault in node `a2` or as a whole. */
export function faultyGraph(node: Partial<Record<keyof PlanNode, unknown>>): string {
  const nodes = small.nodes.map((own) => (own.name === 'a2' ? { ...own, ...node } : own));
  return JSON.stringify({ format: 'sublinear-plan-graph/1', ...small, nodes });
}
