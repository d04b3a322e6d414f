/**
 * Losses over classes take scores, not probabilities: a softmax within the loss on top of one in the model trains, badly,
 * and nothing tells. What a model ends in is recognised here, behind whatever only moves elements.
 *
 *   %p = softmax %z {axis=2}      ->  the scores of %q are %z.1 = reshape %z {shape=[8,10]}
 *   %q = reshape %p {shape=[8,10]}
 */
import { type Diagnostic, SublinearError } from '../ir/diagnostic.ts';
import { elementCount, formatType, type Node, type Value } from '../ir/graph.ts';
import type { Emitter } from '../ir/op.ts';
import { sigmoid } from '../ops/activation.ts';
import { cast } from '../ops/cast.ts';
import { reshape } from '../ops/reshape.ts';
import { logSoftmax, softmax } from '../ops/softmax.ts';
import { opNamed } from '../ops/table.ts';
import { transpose } from '../ops/transpose.ts';
import { log } from '../ops/unary.ts';

export interface Scores {
  readonly value: Value;
  /** What there is to say, where they are not the value that was asked about. */
  readonly notes: readonly Diagnostic[];
}

export type ProducerOf = (value: Value) => Node | undefined;

/** The scores [batch, classes, ...] that `value` is made of: itself, or what goes into the softmax it ends in. */
export function classScores(value: Value, producerOf: ProducerOf, emitter: Emitter): Scores {
  const outer = walkBack(value, 1, producerOf);
  const last = producerOf(outer.end);
  const isLog = last?.op === log.name;
  const walk = isLog ? walkBack(last.operands[0]!, outer.axis, producerOf) : outer;
  const inner = producerOf(walk.end);
  const normalizes = inner?.op === softmax.name || (inner?.op === logSoftmax.name && !isLog);
  if (inner !== undefined && normalizes && inner.attributes.axis === walk.axis) {
    const moves = isLog ? [...outer.moves, ...walk.moves] : walk.moves;
    const scores = again(moves, inner.operands[0]!, emitter);
    return { value: scores, notes: [taken('cross-entropy', value, inner)] };
  }
  if (last?.op !== sigmoid.name) return { value, notes: [] };
  const message = `cross-entropy takes scores of classes of which one is right; ${JSON.stringify(value.name)} is the result of a sigmoid`;
  const hint = 'binary-cross-entropy is the loss for classes that do not exclude one another';
  return { value, notes: [{ code: 'sigmoid-scores', message, hint }] };
}

/** The scores of any shape that `value` is made of: itself, or what goes into the sigmoid it ends in. */
export function binaryScores(value: Value, producerOf: ProducerOf, emitter: Emitter): Scores {
  const { moves, end } = walkBack(value, 0, producerOf);
  const last = producerOf(end);
  if (last?.op !== sigmoid.name) return { value, notes: [] };
  return { value: again(moves, last.operands[0]!, emitter), notes: [taken('binary-cross-entropy', value, last)] };
}

/** Throws `SublinearError` where `value` [batch, classes, ...] has one class, naming what to use. */
export function requireClasses(value: Value): void {
  if (value.type.shape[1] !== 1) return;
  throw new SublinearError({
    code: 'loss-of-one-class',
    message: `the cross-entropy of ${JSON.stringify(value.name)} (${formatType(value.type)}) would be 0 for ever: it has one class`,
    hint: 'for yes or no in one column take binary-cross-entropy (targets 0 and 1), for a number mse; or give the model a column for each class',
  });
}

function taken(kind: string, value: Value, { op, name, operands: [scores] }: Node): Diagnostic {
  const behind = name === value.name ? '' : ` ${JSON.stringify(name)}`;
  return {
    code: 'scores-taken',
    message: `${JSON.stringify(value.name)} is the result of ${op}${behind}, which ${kind} has in it: the loss takes the scores before, ${JSON.stringify(scores!.name)}`,
  };
}

interface Walk {
  /** Nodes that only move elements, from the last to the first. */
  readonly moves: readonly Node[];
  /** What the first of them moves. */
  readonly end: Value;
  /** Where the dimension lies in it that is `axis` of the value; -1 where it is split or joined with another. */
  readonly axis: number;
}

function walkBack(value: Value, axis: number, producerOf: ProducerOf): Walk {
  const moves: Node[] = [];
  let end = value;
  let at = axis;
  for (let node = producerOf(end); node !== undefined && movesOnly(node); node = producerOf(end)) {
    moves.push(node);
    at = axisBefore(node, at);
    end = node.operands[0]!;
  }
  return { moves, end, axis: at };
}

function movesOnly({ op, operands, results }: Node): boolean {
  const isCast = op === cast.name && operands[0]!.type.dtype === results[0]!.type.dtype;
  return op === reshape.name || op === transpose.name || isCast;
}

function axisBefore({ op, operands, results, attributes }: Node, axis: number): number {
  const { permutation } = attributes;
  if (op === transpose.name && typeof permutation === 'object') return permutation[axis] ?? -1;
  const [from, to] = [operands[0]!.type.shape, results[0]!.type.shape];
  const before = elementCount(to.slice(0, axis));
  return from.findIndex((extent, d) => extent === to[axis] && elementCount(from.slice(0, d)) === before);
}

/** The moves applied to another value. */
function again(moves: readonly Node[], value: Value, emitter: Emitter): Value {
  return moves.reduceRight(
    (moved, { op, attributes, name }) => emitter.emit(opNamed(op), [moved], attributes, `${name}.scores`),
    value,
  );
}
