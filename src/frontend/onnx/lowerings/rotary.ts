/** Rotary position embeddings (Su et al. 2021, arXiv 2104.09864): pairs of numbers turned by angles of their positions. */
import type { Value } from '../../../ir/graph.ts';
import { add, multiply, subtract } from '../../../ops/binary.ts';
import { concat } from '../../../ops/concat.ts';
import { gather } from '../../../ops/gather.ts';
import { split } from '../../../ops/split.ts';
import { castTo, reshaped } from '../compose.ts';
import type { LoweringContext, OnnxLowering } from '../lowering.ts';
import { contribDomain } from './contrib.ts';

interface Rotation {
  /** [batch or 1, sequence, pairs] */
  readonly cos: Value;
  readonly sin: Value;
  /** Pairs are neighbours, rather than of the first and the second half. */
  readonly interleaved: boolean;
}

/** The first and the second numbers of all pairs in the last dimension, of `pairs`. */
function pairsOf(c: LoweringContext, x: Value, pairs: number, interleaved: boolean): readonly [Value, Value] {
  const front = x.type.shape.slice(0, -1);
  const axis = front.length;
  if (!interleaved) {
    const [first, second] = c.emitAll(split, [x], { axis, sizes: [pairs, pairs] });
    return [first!, second!];
  }
  const matrix = reshaped(c, x, [...front, pairs, 2]);
  const [first, second] = c.emitAll(split, [matrix], { axis: axis + 1, sizes: [1, 1] });
  return [reshaped(c, first!, [...front, pairs]), reshaped(c, second!, [...front, pairs])];
}

/** The inverse of `pairsOf`. */
function paired(c: LoweringContext, first: Value, second: Value, interleaved: boolean): Value {
  const { shape } = first.type;
  const axis = shape.length - 1;
  if (!interleaved) return c.emit(concat, [first, second], { axis });
  const columns = [first, second].map((value) => reshaped(c, value, [...shape, 1]));
  return reshaped(c, c.emit(concat, columns, { axis: axis + 1 }), [...shape.slice(0, -1), 2 * shape[axis]!]);
}

/** x of rank 4, its sequence in dimension `axis` and its heads in the other, turned in its first 2 * pairs numbers. */
function rotated(c: LoweringContext, x: Value, axis: 1 | 2, { cos, sin, interleaved }: Rotation): Value {
  const size = x.type.shape[3]!;
  const [batch, sequence, pairs] = cos.type.shape;
  if (sequence !== x.type.shape[axis] || 2 * pairs! > size || (batch !== 1 && batch !== x.type.shape[0]))
    c.fail(`sines and cosines of [${cos.type.shape.join(',')}] do not fit its operand of [${x.type.shape.join(',')}]`);
  const along = (value: Value): Value =>
    reshaped(c, value, axis === 1 ? [batch!, sequence!, 1, pairs!] : [batch!, 1, sequence!, pairs!]);
  const [cosine, sine] = [along(cos), along(sin)];
  const rest = size - 2 * pairs!;
  const [turned, kept] = rest === 0 ? [x] : c.emitAll(split, [x], { axis: 3, sizes: [2 * pairs!, rest] });
  const [a, b] = pairsOf(c, turned!, pairs!, interleaved);
  const times = (value: Value, factor: Value): Value => c.emit(multiply, [value, factor], {});
  const real = c.emit(subtract, [times(a, cosine), times(b, sine)], {});
  const imaginary = c.emit(add, [times(a, sine), times(b, cosine)], {});
  const result = paired(c, real, imaginary, interleaved);
  return kept === undefined ? result : c.emit(concat, [result, kept], { axis: 3 });
}

/** Rows of a table [positions, pairs] at positions [batch, sequence], or what was given for each position. */
function rowsAt(c: LoweringContext, table: Value, positions: Value | undefined): Value {
  const rank = positions === undefined ? 3 : 2;
  if (table.type.shape.length !== rank)
    c.fail(`its sines and cosines have rank ${table.type.shape.length}, and need rank ${rank}`);
  return positions === undefined ? table : c.emit(gather, [table, positions], { axis: 0 });
}

function checkPairs(c: LoweringContext, rotation: Rotation, size: number, dim: number): void {
  const [cos, sin] = [rotation.cos.type.shape, rotation.sin.type.shape];
  const wanted = dim === 0 ? size : dim;
  if (cos.join() !== sin.join()) c.fail(`sines of [${sin.join(',')}] do not fit cosines of [${cos.join(',')}]`);
  if (cos[2]! * 2 !== wanted) c.fail(`it turns ${wanted} numbers of a head, and has cosines for ${2 * cos[2]!}`);
}

/** Applies `rotation` to x of rank 4, or of rank 3 with `heads`. */
function applied(c: LoweringContext, x: Value, heads: number, dim: number, rotation: Rotation): Value {
  const { shape } = x.type;
  if (shape.length === 4) {
    checkPairs(c, rotation, shape[3]!, dim);
    return rotated(c, x, 2, rotation);
  }
  if (shape.length !== 3) c.fail(`its operand has rank ${shape.length}`, 'the ranks are 3 and 4');
  const [batch, sequence, width] = shape;
  if (heads === 0) c.fail('its num_heads is left out', 'an operand of rank 3 needs it');
  if (width! % heads !== 0) c.fail(`a width of ${width} is not divisible among ${heads} heads`);
  checkPairs(c, rotation, width! / heads, dim);
  return reshaped(c, rotated(c, reshaped(c, x, [batch!, sequence!, heads, width! / heads]), 1, rotation), shape);
}

const indices = (c: LoweringContext, value: Value): Value =>
  value.type.dtype === 'i32' ? value : castTo(c, value, 'i64');

function lowerRotary(c: LoweringContext): Value {
  const positions = c.operands[3] === undefined ? undefined : indices(c, c.operands[3]);
  const rotation: Rotation = {
    cos: rowsAt(c, c.operand(1), positions),
    sin: rowsAt(c, c.operand(2), positions),
    interleaved: c.attributes.int('interleaved', 0) !== 0,
  };
  const dim = c.attributes.int('rotary_embedding_dim', 0);
  return applied(c, c.operand(0), c.attributes.int('num_heads', 0), dim, rotation);
}

/** Positions come as operand 1: of each place, or one that is the first's. */
function lowerContribRotary(c: LoweringContext): Value {
  const x = c.operand(0);
  const { shape } = x.type;
  if (c.attributes.int('is_packed_batching', 0) !== 0) c.fail('is_packed_batching is not supported');
  if (c.attributes.float('scale', 1) !== 1) c.fail('a scale other than 1 is not supported');
  const sequence = shape.length === 4 ? shape[2]! : (shape[1] ?? 0);
  const given = indices(c, c.operand(1));
  const places = (): Value =>
    c.constant(
      { dtype: given.type.dtype, shape: [1, sequence] },
      Array.from({ length: sequence }, (_, i) => i),
    );
  const positions = given.type.shape.length === 2 ? given : c.emit(add, [places(), given], {});
  const cos = rowsAt(c, c.operand(2), positions);
  const rotation = {
    cos,
    sin: rowsAt(c, c.operand(3), positions),
    interleaved: c.attributes.int('interleaved', 0) !== 0,
  };
  const dim = c.attributes.int('rotary_embedding_dim', 0);
  // Without a number of heads they are as wide as what is turned.
  const heads = c.attributes.int('num_heads', 0) || (dim === 0 ? (shape[2] ?? 0) / (2 * cos.type.shape[2]!) : 0);
  return applied(c, x, heads, dim, rotation);
}

export const rotaryLowerings: readonly OnnxLowering[] = [
  { onnx: 'RotaryEmbedding', since: 23, gradient: true, lower: (c) => [lowerRotary(c)] },
  {
    onnx: `${contribDomain}.RotaryEmbedding`,
    since: 1,
    gradient: true,
    limits: 'no packed batches, no scale',
    lower: (c) => [lowerContribRotary(c)],
  },
];
