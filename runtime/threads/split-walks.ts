/**
 * Splits of kernels that walk a tensor under strides. A part is a range along one dimension: the outermost that parts
 * evenly, in every position of those before it.
 */
import { add, divide, maximum, minimum, multiply, power, prelu, subtract } from '../kernels/binary.ts';
import { maximumGrad, minimumGrad, powerGradBase, preluGrad } from '../kernels/binary-grad.ts';
import { copyInto, copyStrided } from '../kernels/copy.ts';
import { divideGrad, multiplyGrad } from '../kernels/multiply-grad.ts';
import { reduceMax, reduceMin, reduceSum } from '../kernels/reduce.ts';
import { sumOfProducts } from '../kernels/sum-of-products.ts';
import { where } from '../kernels/where.ts';
import { type Arguments, eachRange, type Part, type Split, splitOf } from './split.ts';
import { lineElements } from './split-elements.ts';

type Numbers = readonly number[];

const element = 4;

/** Calls that a part makes at most: one for each position before the dimension that is cut. */
const mostCalls = 8;

/** A box of a walk: its extents, and the element offset of its start under a list of strides. */
interface Box {
  readonly dims: Numbers;
  at(strides: Numbers): number;
  /** The strides of the dimensions that are left. */
  rest(strides: Numbers): Numbers;
}

/** Strides of the contiguous tensor of these extents. */
function contiguous(dims: Numbers): Numbers {
  const strides = new Array<number>(dims.length);
  for (let d = dims.length - 1, stride = 1; d >= 0; stride *= dims[d]!, d--) strides[d] = stride;
  return strides;
}

/**
 * The parts of a walk. The innermost dimension is cut at cache lines, never into single elements: some kernels take
 * rows of one element by another way.
 */
function boxes(dims: Numbers, parts: number, args: (box: Box) => Arguments): readonly Part[] | undefined {
  const innermost = dims.length - 1;
  let before = 1;
  for (let d = 0; d < dims.length; before *= dims[d++]!) {
    const unit = d === innermost ? lineElements : 1;
    const units = Math.floor(dims[d]! / unit);
    // Even to a tenth: the longest part is not much longer than the mean.
    if (Math.ceil(units / parts) * parts > 1.1 * units) continue;
    if (before > mostCalls) return undefined;
    const outer = contiguous(dims.slice(0, d));
    return eachRange(dims[d]!, parts, unit, (start, count) =>
      Array.from({ length: before }, (_, position) => {
        const positions = outer.map((stride, k) => Math.floor(position / stride) % dims[k]!);
        return args({
          dims: [count, ...dims.slice(d + 1)],
          at: (strides) => positions.reduce((sum, p, k) => sum + p * strides[k]!, start * strides[d]!),
          rest: (strides) => strides.slice(d),
        });
      }),
    );
  }
  return undefined;
}

const product = (dims: Numbers): number => dims.reduce((a, b) => a * b, 1);

const pairs = [...[add, subtract, multiply, divide, minimum, maximum, prelu, power], ...[multiplyGrad, divideGrad]].map(
  (kernel) =>
    splitOf(kernel, {
      cost: (_a, _b, _out, dims) => 0.3 * product(dims),
      cut: (parts, a, b, out, dims, sa, sb) =>
        boxes(dims, parts, (box) => [
          a + element * box.at(sa),
          b + element * box.at(sb),
          out + element * box.at(contiguous(dims)),
          ...[box.dims, box.rest(sa), box.rest(sb)],
        ]),
    }),
);

/** The first operand of `where` are flags, of one byte each. */
const triples = [minimumGrad, maximumGrad, preluGrad, powerGradBase, where].map((kernel) =>
  splitOf(kernel, {
    cost: (_a, _b, _c, _out, dims) => 0.5 * product(dims),
    cut: (parts, a, b, c, out, dims, sa, sb, sc) =>
      boxes(dims, parts, (box) => [
        a + (kernel === where ? 1 : element) * box.at(sa),
        b + element * box.at(sb),
        c + element * box.at(sc),
        out + element * box.at(contiguous(dims)),
        ...[box.dims, box.rest(sa), box.rest(sb), box.rest(sc)],
      ]),
  }),
);

const copies = [
  splitOf(copyStrided, {
    cost: (_x, _out, dims) => 0.3 * product(dims),
    cut: (parts, x, out, dims, strides) =>
      boxes(dims, parts, (box) => [
        x + element * box.at(strides),
        out + element * box.at(contiguous(dims)),
        ...[box.dims, box.rest(strides)],
      ]),
  }),
  splitOf(copyInto, {
    cost: (_x, _out, dims) => 0.3 * product(dims),
    cut: (parts, x, out, dims, strides) =>
      boxes(dims, parts, (box) => [
        x + element * box.at(contiguous(dims)),
        out + element * box.at(strides),
        ...[box.dims, box.rest(strides)],
      ]),
  }),
];

/** By what is kept: the terms of a sum are never parted. */
const reductions = [
  ...[reduceSum, reduceMax, reduceMin].map((kernel) =>
    splitOf(kernel, {
      cost: (_x, _out, kept, _strides, reduced) => 0.3 * product(kept) * product(reduced),
      cut: (parts, x, out, kept, strides, ...reduced) =>
        boxes(kept, parts, (box) => [
          x + element * box.at(strides),
          out + element * box.at(contiguous(kept)),
          ...[box.dims, box.rest(strides), ...reduced],
        ]),
    }),
  ),
  splitOf(sumOfProducts, {
    cost: (_a, _b, _out, kept, _keptA, _keptB, reduced) => 0.5 * product(kept) * product(reduced),
    cut: (parts, a, b, out, kept, keptA, keptB, ...reduced) =>
      boxes(kept, parts, (box) => [
        a + element * box.at(keptA),
        b + element * box.at(keptB),
        out + element * box.at(contiguous(kept)),
        ...[box.dims, box.rest(keptA), box.rest(keptB), ...reduced],
      ]),
  }),
];

export const walkSplits: readonly (readonly [string, Split])[] = [...pairs, ...triples, ...copies, ...reductions];
