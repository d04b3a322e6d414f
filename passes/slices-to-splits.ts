/**
 * Slices that divide a value along one axis become one split, whose gradient is one concatenation instead of a padded
 * copy of the whole for each slice.
 *
 *   %q = slice %h {axes=[1], starts=[0], ends=[8], ...}     ->   %q, %k = split %h {axis=1, sizes=[8,8]}
 *   %k = slice %h {axes=[1], starts=[8], ends=[16], ...}
 */
import type { AttributeValue, Node, Value } from '../src/ir/graph.ts';
import { slice } from '../src/ops/slice.ts';
import { split, splitsContiguously, splitView } from '../src/ops/split.ts';

interface Part {
  readonly node: Node;
  readonly axis: number;
  readonly start: number;
  readonly end: number;
}

/** `nodes` with every complete set of slices replaced where its first one stood; the same list if there is none. */
export function slicesToSplits(nodes: readonly Node[]): readonly Node[] {
  const sets = new Map<string, Part[]>();
  for (const node of nodes) {
    const part = partOf(node);
    if (part === undefined) continue;
    const key = `${part.axis}:${node.operands[0]!.name}`;
    const set = sets.get(key);
    if (set === undefined) sets.set(key, [part]);
    else set.push(part);
  }
  const splits = new Map<string, Node>();
  const replaced = new Set<string>();
  for (const set of sets.values()) {
    const whole = asSplit(set);
    if (whole === undefined) continue;
    splits.set(set[0]!.node.name, whole);
    for (const { node } of set) replaced.add(node.name);
  }
  if (splits.size === 0) return nodes;
  return nodes.flatMap((node) => {
    const whole = splits.get(node.name);
    if (whole !== undefined) return [whole];
    return replaced.has(node.name) ? [] : [node];
  });
}

/** A forward slice of step 1 along one axis. */
function partOf(node: Node): Part | undefined {
  if (node.op !== slice.name || node.region !== 'forward' || node.after !== undefined) return undefined;
  const { axes, starts, ends, steps } = node.attributes;
  const axis = only(axes);
  const start = only(starts);
  const end = only(ends);
  if (axis === undefined || start === undefined || end === undefined || only(steps) !== 1) return undefined;
  return { node, axis, start, end };
}

function only(list: AttributeValue | undefined): number | undefined {
  return Array.isArray(list) && list.length === 1 ? list[0] : undefined;
}

/** One node for parts that follow on each other from 0 to the end; undefined where they do not. */
function asSplit(set: readonly Part[]): Node | undefined {
  if (set.length < 2) return undefined;
  const { node, axis } = set[0]!;
  const operand = node.operands[0]!;
  const parts = [...set].sort((a, b) => a.start - b.start);
  let reached = 0;
  for (const { start, end } of parts) {
    if (start !== reached || end <= start) return undefined;
    reached = end;
  }
  if (reached !== operand.type.shape[axis]) return undefined;
  const results = parts.map((part): Value => part.node.results[0]!);
  return {
    name: results[0]!.name,
    op: (splitsContiguously(operand.type.shape, axis) ? splitView : split).name,
    operands: [operand],
    attributes: { axis, sizes: parts.map(({ start, end }) => end - start) },
    results,
    region: 'forward',
    ...(node.source !== undefined && { source: node.source }),
  };
}
