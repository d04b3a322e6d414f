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
  readonly chosen: boolean;
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
  const choose = (value: Value, kind: 'input' | 'parameter'): GradientChoice => {
    const choice = (chosen: boolean, reason: string): GradientChoice => ({ value, chosen, reason });
    if (frozen(value.name)) return choice(false, 'frozen by --freeze');
    if (kind === 'input')
      return wrt === 'parameters'
        ? choice(false, 'an input; ask with --wrt inputs')
        : choice(true, 'asked for by --wrt');
    if (wrt === 'inputs') return choice(false, 'a parameter; only inputs are asked for');
    if (widened(value.name)) return choice(true, 'asked for by --trainable');
    if (wrt === 'all') return choice(true, 'asked for by --wrt all');
    if (!reaching.has(value.name)) return choice(false, 'does not reach the loss along a differentiable path');
    if (statistics.has(value.name)) return choice(false, 'running statistics of a normalization');
    if (elementCount(value.type.shape) <= 1) return choice(false, 'a single number');
    return choice(true, 'a float parameter that reaches the loss');
  };
  return [
    ...graph.inputs.filter(isFloat).map((value) => choose(value, 'input')),
    ...graph.parameters.filter(isFloat).map((value) => choose(value, 'parameter')),
  ];
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
