/**
 * The `Gradient` operator of the training preview domain. It asks for a backward pass, which the importer does not
 * derive: it becomes a request that whoever differentiates the graph fulfils.
 */
import type { NodeProto } from 'onnx-buf';
import type { Value } from '../../ir/graph.ts';
import { reduceSum } from '../../ops/reduce.ts';
import type { LoweringContext } from './lowering.ts';
import { trainingDomain } from './lowerings/training.ts';
import { operatorKey } from './node-names.ts';

/** Gradients that the file asks for. */
export interface GradientRequest {
  /** Name of a scalar value of the graph. */
  readonly loss: string;
  /** Names of the values it is differentiated by. */
  readonly wrt: readonly string[];
  /** The graph output under which each gradient leaves; undefined where it does not. */
  readonly outputs: readonly (string | undefined)[];
}

export function isGradient(node: NodeProto): boolean {
  return operatorKey(node) === `${trainingDomain}.Gradient`;
}

/** The values that a node's request is about. */
export function namesOfRequest(node: NodeProto): readonly string[] {
  const { attribute } = node;
  const texts = attribute.flatMap(({ name, s, strings }) => (name === 'y' ? [s] : name === 'xs' ? strings : []));
  return texts.map((text) => new TextDecoder().decode(text));
}

/**
 * The request of one node. `value` finds values by their ONNX names; `graphOutputs` are the only places where gradients
 * may go.
 */
export function gradientRequest(
  c: LoweringContext,
  node: NodeProto,
  value: (name: string) => Value | undefined,
  graphOutputs: ReadonlySet<string>,
): GradientRequest {
  const target = c.attributes.string('y') ?? c.fail('its y is left out');
  const xs = c.attributes.strings('xs') ?? c.fail('its xs are left out');
  if ((c.attributes.strings('zs') ?? []).length > 0) c.fail('values held fixed (zs) are not supported');
  const find = (name: string): Value => value(name) ?? c.fail(`the value ${JSON.stringify(name)} is not defined`);
  const y = find(target);
  const moved = node.input.slice(0, xs.length).findIndex((name, i) => name !== xs[i]);
  if (moved >= 0) c.fail(`the gradient is asked for at another place than ${JSON.stringify(xs[moved])}`);
  const rank = y.type.shape.length;
  const axes = Array.from({ length: rank }, (_, d) => d);
  const loss = rank === 0 ? y : c.emit(reduceSum, [y], { axes, keep_dims: false });
  return {
    loss: loss.name,
    wrt: xs.map((name) => find(name).name),
    outputs: xs.map((_, i) => {
      const name = node.output[i] ?? '';
      if (name !== '' && !graphOutputs.has(name) && c.usesOutput(i)) c.fail('a gradient is read by another node');
      return name === '' ? undefined : name;
    }),
  };
}
