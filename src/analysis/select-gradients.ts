/**
 * Which values get gradients (DESIGN section 4): `--wrt` says what is asked for; "trainable" is what an optimizer may
 * change. Every choice carries its reason, for `inspect`.
 */

import { globMatcher } from '../ir/glob.ts';
import { elementCount, type Graph, type Value } from '../ir/graph.ts';
import { opNamed } from '../ops/table.ts';

export type Wrt = 'parameters' | 'inputs' | 'all';

export interface GradientSelection {
  /** Default `parameters`. */
  readonly wrt?: Wrt;
  /** Globs: never asked for. */
  readonly freeze?: readonly string[];
  /** Globs: parameters asked for though the rule leaves them out. */
  readonly trainable?: readonly string[];
}

export interface GradientChoice {
  readonly value: Value;
  /** Whether its gradient is computed. */
  readonly chosen: boolean;
  /** Whether an optimizer may change it: a chosen parameter of more than one element, or one asked for by name. */
  readonly trainable: boolean;
  readonly reason: string;
}

/** Every float input and parameter, in graph order, with whether its gradient is computed and why. */
export function selectGradients(
  graph: Graph,
  losses: readonly string[],
  selection: GradientSelection,
): readonly GradientChoice[] {
  const wrt = selection.wrt ?? 'parameters';
  const frozen = globMatcher(selection.freeze ?? []);
  const widened = globMatcher(selection.trainable ?? []);
  const reaching = valuesReaching(graph, losses);
  const statistics = runningStatistics(graph);
  const left = (value: Value, reason: string): GradientChoice => ({ value, chosen: false, trainable: false, reason });
  const chooseInput = (value: Value): GradientChoice => {
    if (frozen(value.name)) return left(value, 'frozen by --freeze');
    if (wrt === 'parameters') return left(value, 'an input; ask with --wrt inputs');
    return { value, chosen: true, trainable: false, reason: `asked for by --wrt ${wrt}` };
  };
  const chooseParameter = (value: Value): GradientChoice => {
    const several = elementCount(value.type.shape) > 1;
    if (frozen(value.name)) return left(value, 'frozen by --freeze');
    if (wrt === 'inputs') return left(value, 'a parameter; only inputs are asked for');
    if (widened(value.name)) return { value, chosen: true, trainable: true, reason: 'asked for by --trainable' };
    const reaches = reaching.has(value.name);
    const moving = statistics.has(value.name);
    if (wrt === 'all')
      return { value, chosen: true, trainable: reaches && !moving && several, reason: 'asked for by --wrt all' };
    if (!reaches) return left(value, 'does not reach the loss along a differentiable path');
    if (moving) return left(value, 'running statistics of a normalization');
    const reason = several ? 'reaches the loss' : 'reaches the loss; one number, so trained only with --trainable';
    return { value, chosen: true, trainable: several, reason };
  };
  return [...graph.inputs.filter(isFloat).map(chooseInput), ...graph.parameters.filter(isFloat).map(chooseParameter)];
}

const isFloat = (value: Value): boolean => value.type.dtype === 'f32';

/** Float values from which a loss is reached through ops that have gradients. */
function valuesReaching(graph: Graph, losses: readonly string[]): ReadonlySet<string> {
  const reaching = new Set(losses);
  for (let n = graph.nodes.length - 1; n >= 0; n--) {
    const node = graph.nodes[n]!;
    if (node.region !== 'forward' || !node.results.some((result) => reaching.has(result.name))) continue;
    if (opNamed(node.op).gradient === undefined) continue;
    for (const operand of node.operands) if (isFloat(operand)) reaching.add(operand.name);
  }
  return reaching;
}

/** Values used as running statistics (`Op.statistics`) and nowhere else. */
function runningStatistics(graph: Graph): ReadonlySet<string> {
  const statistics = new Set<string>();
  const elsewhere = new Set<string>();
  for (const node of graph.nodes) {
    const marked = opNamed(node.op).statistics ?? [];
    node.operands.forEach((operand, i) => {
      (marked.includes(i) ? statistics : elsewhere).add(operand.name);
    });
  }
  return new Set([...statistics].filter((name) => !elsewhere.has(name)));
}
