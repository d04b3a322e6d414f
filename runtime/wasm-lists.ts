/** Kernels whose dimensions and strides the WebAssembly module keeps in globals, set before each call. */
import * as binary from './kernels/binary.ts';
import * as binaryGrad from './kernels/binary-grad.ts';
import * as copies from './kernels/copy.ts';
import * as reductions from './kernels/reduce.ts';
import { sumOfProducts } from './kernels/sum-of-products.ts';
import { where } from './kernels/where.ts';
import type { Memory } from './memory.ts';
import type { Kernel } from './program.ts';
import type { PickKernel, WasmFunction } from './wasm-backend.ts';

type Numbers = readonly number[];

/** Dimensions that a walk, and the reduced part of a reduction, can have; beyond, the plain kernel runs. */
const walkRank = 6;
const reducedRank = 3;

/** Every kernel that walks dimensions and strides. */
export function listKernels(pick: PickKernel): [string, Kernel][] {
  return [pairs, triples, copyKernels, reduceKernels, sumsOfProducts].flatMap((group) => group(pick));
}

/** Passes a list of at most six entries, filled up in front. */
function six(set: WasmFunction, list: Numbers, fill: number): void {
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

function three(set: WasmFunction, list: Numbers, fill: number): void {
  const n = list.length;
  set(n > 2 ? list[n - 3]! : fill, n > 1 ? list[n - 2]! : fill, n > 0 ? list[n - 1]! : fill);
}

function pairs(pick: PickKernel): [string, Kernel][] {
  const setDims = pick('setDims');
  const setA = pick('setStridesA');
  const setB = pick('setStridesB');
  const { add, subtract, multiply, divide, minimum, maximum, prelu } = binary;
  return [add, subtract, multiply, divide, minimum, maximum, prelu].map((plain) => {
    const f = pick(plain.name);
    const kernel = (m: Memory, a: number, b: number, out: number, dims: Numbers, sa: Numbers, sb: Numbers): void => {
      if (dims.length > walkRank) {
        plain(m, a, b, out, dims, sa, sb);
        return;
      }
      six(setDims, dims, 1);
      six(setA, sa, 0);
      six(setB, sb, 0);
      f(a, b, out);
    };
    return [plain.name, kernel];
  });
}

function triples(pick: PickKernel): [string, Kernel][] {
  const setDims = pick('setDims');
  const setA = pick('setStridesA');
  const setB = pick('setStridesB');
  const setC = pick('setStridesC');
  const { minimumGrad, maximumGrad, preluGrad } = binaryGrad;
  return [minimumGrad, maximumGrad, preluGrad, where].map((plain) => {
    const f = pick(plain.name);
    const kernel = (
      m: Memory,
      a: number,
      b: number,
      c: number,
      out: number,
      dims: Numbers,
      sa: Numbers,
      sb: Numbers,
      sc: Numbers,
    ): void => {
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
    return [plain.name, kernel];
  });
}

function copyKernels(pick: PickKernel): [string, Kernel][] {
  const setDims = pick('setDims');
  const setA = pick('setStridesA');
  return [copies.copyStrided, copies.copyInto].map((plain) => {
    const f = pick(plain.name);
    const kernel = (m: Memory, x: number, out: number, dims: Numbers, strides: Numbers): void => {
      if (dims.length > walkRank) {
        plain(m, x, out, dims, strides);
        return;
      }
      six(setDims, dims, 1);
      six(setA, strides, 0);
      f(x, out);
    };
    return [plain.name, kernel];
  });
}

function reduceKernels(pick: PickKernel): [string, Kernel][] {
  const setDims = pick('setDims');
  const setStrides = pick('setStridesA');
  const setReduced = pick('setReducedDims');
  const setReducedStrides = pick('setReducedStridesA');
  const { reduceSum, reduceMax, reduceMin } = reductions;
  return [reduceSum, reduceMax, reduceMin].map((plain) => {
    const f = pick(plain.name);
    const kernel = (
      m: Memory,
      x: number,
      out: number,
      kept: Numbers,
      keptStrides: Numbers,
      reduced: Numbers,
      reducedStrides: Numbers,
      divisor: number,
    ): void => {
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
    return [plain.name, kernel];
  });
}

function sumsOfProducts(pick: PickKernel): [string, Kernel][] {
  const setDims = pick('setDims');
  const setA = pick('setStridesA');
  const setB = pick('setStridesB');
  const setReduced = pick('setReducedDims');
  const setReducedA = pick('setReducedStridesA');
  const setReducedB = pick('setReducedStridesB');
  const dot = pick(sumOfProducts.name);
  return [
    [
      'sumOfProducts',
      (
        m: Memory,
        a: number,
        b: number,
        out: number,
        kept: Numbers,
        keptA: Numbers,
        keptB: Numbers,
        reduced: Numbers,
        reducedA: Numbers,
        reducedB: Numbers,
      ): void => {
        if (kept.length > walkRank || reduced.length > reducedRank) {
          sumOfProducts(m, a, b, out, kept, keptA, keptB, reduced, reducedA, reducedB);
          return;
        }
        six(setDims, kept, 1);
        six(setA, keptA, 0);
        six(setB, keptB, 0);
        three(setReduced, reduced, 1);
        three(setReducedA, reducedA, 0);
        three(setReducedB, reducedB, 0);
        dot(a, b, out);
      },
    ],
  ];
}
