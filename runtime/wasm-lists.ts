/**
 * Kernels whose dimensions and strides the WebAssembly module keeps in globals, set before each call: every kernel that
 * walks dimensions and strides.
 */
import { add, divide, maximum, minimum, multiply, power, prelu, subtract } from './kernels/binary.ts';
import { maximumGrad, minimumGrad, powerGradBase, preluGrad } from './kernels/binary-grad.ts';
import { copyInto, copyStrided } from './kernels/copy.ts';
import { divideGrad, multiplyGrad } from './kernels/multiply-grad.ts';
import { reduceMax, reduceMin, reduceSum } from './kernels/reduce.ts';
import { sumOfProducts } from './kernels/sum-of-products.ts';
import { where } from './kernels/where.ts';
import type { Memory } from './memory.ts';
import type { NumberList, PickKernel, WasmFunction } from './wasm-instance.ts';

/** Dimensions that a walk, and the reduced part of a reduction, can have; beyond, the plain kernel runs. */
const walkRank = 6;
const reducedRank = 3;

/** Passes a list of at most six entries, filled up in front. */
function six(set: WasmFunction, list: NumberList, fill: number): void {
  const n = list.length;
  set(
    n > 5 ? list[n - 6]! : fill,
    n > 4 ? list[n - 5]! : fill,
    n > 3 ? list[n - 4]! : fill,
    n > 2 ? list[n - 3]! : fill,
    n > 1 ? list[n - 2]! : fill,
    n > 0 ? list[n - 1]! : fill,
  );
}

function three(set: WasmFunction, list: NumberList, fill: number): void {
  const n = list.length;
  set(n > 2 ? list[n - 3]! : fill, n > 1 ? list[n - 2]! : fill, n > 0 ? list[n - 1]! : fill);
}

type PairKernel = (
  m: Memory,
  a: number,
  b: number,
  out: number,
  dims: NumberList,
  sa: NumberList,
  sb: NumberList,
) => void;

/** Two operands. */
function pair(name: string, plain: PairKernel): (pick: PickKernel) => PairKernel {
  return (pick) => {
    const setDims = pick('setDims');
    const setA = pick('setStridesA');
    const setB = pick('setStridesB');
    const f = pick(name);
    return (m, a, b, out, dims, sa, sb) => {
      if (dims.length > walkRank) {
        plain(m, a, b, out, dims, sa, sb);
        return;
      }
      six(setDims, dims, 1);
      six(setA, sa, 0);
      six(setB, sb, 0);
      f(a, b, out);
    };
  };
}

export const addWasm = pair('add', add);
export const subtractWasm = pair('subtract', subtract);
export const multiplyWasm = pair('multiply', multiply);
export const divideWasm = pair('divide', divide);
export const multiplyGradWasm = pair('multiplyGrad', multiplyGrad);
export const divideGradWasm = pair('divideGrad', divideGrad);
export const minimumWasm = pair('minimum', minimum);
export const maximumWasm = pair('maximum', maximum);
export const powerWasm = pair('power', power);
export const preluWasm = pair('prelu', prelu);

type TripleKernel = (
  m: Memory,
  a: number,
  b: number,
  c: number,
  out: number,
  dims: NumberList,
  sa: NumberList,
  sb: NumberList,
  sc: NumberList,
) => void;

/** Three operands. */
function triple(name: string, plain: TripleKernel): (pick: PickKernel) => TripleKernel {
  return (pick) => {
    const setDims = pick('setDims');
    const setA = pick('setStridesA');
    const setB = pick('setStridesB');
    const setC = pick('setStridesC');
    const f = pick(name);
    return (m, a, b, c, out, dims, sa, sb, sc) => {
      if (dims.length > walkRank) {
        plain(m, a, b, c, out, dims, sa, sb, sc);
        return;
      }
      six(setDims, dims, 1);
      six(setA, sa, 0);
      six(setB, sb, 0);
      six(setC, sc, 0);
      f(a, b, c, out);
    };
  };
}

export const minimumGradWasm = triple('minimumGrad', minimumGrad);
export const maximumGradWasm = triple('maximumGrad', maximumGrad);
export const powerGradBaseWasm = triple('powerGradBase', powerGradBase);
export const preluGradWasm = triple('preluGrad', preluGrad);
export const whereWasm = triple('where', where);

type CopyKernel = (m: Memory, x: number, out: number, dims: NumberList, strides: NumberList) => void;

/** Copies between a contiguous tensor and a strided one. */
function copy(name: string, plain: CopyKernel): (pick: PickKernel) => CopyKernel {
  return (pick) => {
    const setDims = pick('setDims');
    const setA = pick('setStridesA');
    const f = pick(name);
    return (m, x, out, dims, strides) => {
      if (dims.length > walkRank) {
        plain(m, x, out, dims, strides);
        return;
      }
      six(setDims, dims, 1);
      six(setA, strides, 0);
      f(x, out);
    };
  };
}

export const copyStridedWasm = copy('copyStrided', copyStrided);
export const copyIntoWasm = copy('copyInto', copyInto);

type ReduceKernel = (
  m: Memory,
  x: number,
  out: number,
  kept: NumberList,
  keptStrides: NumberList,
  reduced: NumberList,
  reducedStrides: NumberList,
  divisor: number,
) => void;

function reduce(name: string, plain: ReduceKernel): (pick: PickKernel) => ReduceKernel {
  return (pick) => {
    const setDims = pick('setDims');
    const setStrides = pick('setStridesA');
    const setReduced = pick('setReducedDims');
    const setReducedStrides = pick('setReducedStridesA');
    const f = pick(name);
    return (m, x, out, kept, keptStrides, reduced, reducedStrides, divisor) => {
      if (kept.length > walkRank || reduced.length > reducedRank) {
        plain(m, x, out, kept, keptStrides, reduced, reducedStrides, divisor);
        return;
      }
      six(setDims, kept, 1);
      six(setStrides, keptStrides, 0);
      three(setReduced, reduced, 1);
      three(setReducedStrides, reducedStrides, 0);
      f(x, out, divisor);
    };
  };
}

export const reduceSumWasm = reduce('reduceSum', reduceSum);
export const reduceMaxWasm = reduce('reduceMax', reduceMax);
export const reduceMinWasm = reduce('reduceMin', reduceMin);

export function sumOfProductsWasm(pick: PickKernel): typeof sumOfProducts {
  const setDims = pick('setDims');
  const setA = pick('setStridesA');
  const setB = pick('setStridesB');
  const setReduced = pick('setReducedDims');
  const setReducedA = pick('setReducedStridesA');
  const setReducedB = pick('setReducedStridesB');
  const f = pick('sumOfProducts');
  return (m, a, b, out, kept, keptA, keptB, reduced, reducedA, reducedB, isGradient) => {
    if (kept.length > walkRank || reduced.length > reducedRank) {
      sumOfProducts(m, a, b, out, kept, keptA, keptB, reduced, reducedA, reducedB, isGradient);
      return;
    }
    six(setDims, kept, 1);
    six(setA, keptA, 0);
    six(setB, keptB, 0);
    three(setReduced, reduced, 1);
    three(setReducedA, reducedA, 0);
    three(setReducedB, reducedB, 0);
    f(a, b, out, isGradient);
  };
}
