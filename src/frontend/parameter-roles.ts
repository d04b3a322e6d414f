/** What each weight of a graph is for, read off the nodes that use it. */
import type { Graph, Value } from '../ir/graph.ts';
import { batchNorm, batchNormInference, batchNormUpdate } from '../ops/batch-norm.ts';
import { multiply } from '../ops/binary.ts';
import { conv } from '../ops/conv.ts';
import { convTranspose } from '../ops/conv-transpose.ts';
import { gather } from '../ops/gather.ts';
import { groupNorm } from '../ops/group-norm.ts';
import { layerNorm } from '../ops/layer-norm.ts';
import { matmul } from '../ops/matmul.ts';
import { reshape } from '../ops/reshape.ts';
import { rmsNorm } from '../ops/rms-norm.ts';
/** `matrix`: of a product or convolution. */
export type ParameterRole =
  | { readonly kind: 'matrix'; readonly fanIn: number }
  | { readonly kind: 'bias' | 'mean' | 'variance' | 'batch-scale' | 'scale' | 'factor' | 'table' | 'other' };

type Reader = (value: Value, attributes: Readonly<Record<string, unknown>>) => ParameterRole;

const is =
  (kind: Exclude<ParameterRole['kind'], 'matrix'>): Reader =>
  () => ({ kind });

const product = (extents: readonly number[]): number => extents.reduce((all, extent) => all * extent, 1);

/** By op, then operand index. What is not listed is `other`. */
const readers: Readonly<Record<string, readonly (Reader | undefined)[]>> = {
  [conv.name]: [undefined, ({ type }) => ({ kind: 'matrix', fanIn: product(type.shape.slice(1)) }), is('bias')],
  [convTranspose.name]: [
    undefined,
    ({ type }, { groups }) => ({
      kind: 'matrix',
      fanIn: (type.shape[0]! / Number(groups)) * product(type.shape.slice(2)),
    }),
    is('bias'),
  ],
  [matmul.name]: [
    undefined,
    ({ type }, { transpose_b }) => ({ kind: 'matrix', fanIn: type.shape.at(transpose_b === true ? -1 : -2)! }),
    is('bias'),
  ],
  [batchNorm.name]: [undefined, is('batch-scale'), is('bias')],
  [batchNormInference.name]: [undefined, is('batch-scale'), is('bias'), is('mean'), is('variance')],
  [batchNormUpdate.name]: [is('mean'), is('variance')],
  [layerNorm.name]: [undefined, is('scale'), is('bias')],
  [rmsNorm.name]: [undefined, is('scale')],
  [groupNorm.name]: [undefined, is('scale'), is('bias')],
  [multiply.name]: [undefined, is('factor')],
  [gather.name]: [is('table')],
};

/**
 * Roles of parameters and state values by name, by the first node that says one; reshapes are looked through. One that is
 * not in the map is read by nothing that says more than `other`.
 */
export function parameterRoles(graph: Graph): ReadonlyMap<string, ParameterRole> {
  const origins = new Map<string, Value>();
  for (const value of [...graph.parameters, ...graph.state]) origins.set(value.name, value);
  const roles = new Map<string, ParameterRole>();
  for (const node of graph.nodes)
    node.operands.forEach((operand, i) => {
      const origin = origins.get(operand.name);
      if (origin === undefined) return;
      if (node.op === reshape.name) origins.set(node.results[0]!.name, origin);
      const reader = readers[node.op]?.[i];
      if (reader !== undefined && !roles.has(origin.name)) roles.set(origin.name, reader(operand, node.attributes));
    });
  return roles;
}
