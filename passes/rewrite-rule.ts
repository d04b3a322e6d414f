/** What a rewrite of `canonicalize` is: a pattern, found at its last node, and what stands in its place. */
import type { Attributes, Node, Value } from '../src/ir/graph.ts';
import type { Op } from '../src/ir/op.ts';

/** How rules look at the graph. */
export interface Matcher {
  /** The node that makes `value`, if it is of `op`. */
  producer(value: Value, op: Op): Node | undefined;
  /** Whether one operand of one node, and no output of the graph, is `value`. */
  isOnlyUse(value: Value): boolean;
  /** The number in `value`, if it is a constant of one element. */
  number(value: Value): number | undefined;
  /** Adds a node before the one that is rewritten. */
  emit(op: Op, operands: readonly Value[], attributes: Attributes): Value;
}

export interface Rewritten {
  readonly op: Op;
  readonly operands: readonly Value[];
  readonly attributes: Attributes;
}

export interface Rule {
  readonly name: string;
  /** Op of the last node of the pattern. */
  readonly last: Op;
  /** What the node becomes; its first result keeps name and type. */
  rewrite(node: Node, matcher: Matcher): Rewritten | undefined;
}
