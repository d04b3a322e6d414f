/**
 * The WebAssembly SIMD kernels, behind the same interface as the plain ones: a table by name, whose functions take what
 * their plain twins take. Lists go to the module through setters of its globals, so the module needs no memory beside the
 * program's own. What has no twin here, or more dimensions than the setters take, runs in plain TypeScript; that, too,
 * depends on the op and its shapes alone.
 */
import type { KernelTable } from './interpreter.ts';
import * as binary from './kernels/binary.ts';
import * as binaryGrad from './kernels/binary-grad.ts';
import * as copies from './kernels/copy.ts';
import * as entropy from './kernels/cross-entropy.ts';
import { elementBytes, elementsOf, typeCode } from './kernels/elements.ts';
import { gatherGrad } from './kernels/gather.ts';
import * as optimizers from './kernels/optimizers.ts';
import * as reductions from './kernels/reduce.ts';
import { sumOfProducts } from './kernels/sum-of-products.ts';
import { where } from './kernels/where.ts';
import type { Memory } from './memory.ts';
import type { Kernel } from './program.ts';
import { compileWasm } from './wasm-support.ts';

type Numbers = readonly number[];
type WasmFunction = (...args: number[]) => number;
type Pick = (name: string) => WasmFunction;

/** Kernels whose arguments are all numbers, passed on as they are. */
const numeric: readonly string[] = [
  'negate absolute square reciprocal exp log sqrt tanh erf floor ceil round sign scale addScalar clip relu sigmoid',
  'softplus softsign mish hardSwish hardSigmoid swish geluErf geluTanh leakyRelu elu celu selu thresholdedRelu shrink',
  'absoluteGrad squareGrad reciprocalGrad sqrtGrad tanhGrad erfGrad clipGrad reluGrad sigmoidGrad softplusGrad',
  'softsignGrad hardSwishGrad hardSigmoidGrad leakyReluGrad eluGrad celuGrad seluGrad thresholdedReluGrad shrinkGrad',
  'mishGrad swishGrad geluErfGrad geluTanhGrad softmax softmaxGrad logSoftmax logSoftmaxGrad batchNorm batchNormGrad',
  'batchNormInference groupNorm groupNormGrad layerNorm layerNormGrad rmsNorm rmsNormGrad addChannelBias dropout',
].flatMap((line) => line.split(' '));

/** Dimensions that a walk, and the reduced part of a reduction, can have. */
const walkRank = 6;
const reducedRank = 3;

/**
 * The kernels, running in `memory`, which must be what the program runs in. Throws `BackendError` where the engine has no
 * WebAssembly or no SIMD.
 */
export function createWasmKernels(memory: WebAssembly.Memory): KernelTable {
  const { exports } = new WebAssembly.Instance(compileWasm(), { env: { memory } });
  const pick: Pick = (name) => {
    const found = exports[name];
    if (typeof found !== 'function') throw new Error(`the WebAssembly module has no kernel ${name}`);
    return found as WasmFunction;
  };
  const table = new Map<string, Kernel>();
  for (const name of numeric) table.set(name, passNumbers(pick(name)));
  for (const group of [pairs, triples, copyKernels, reduceKernels, products, lossKernels, gathers, updates])
    for (const [name, kernel] of group(pick)) table.set(name, kernel);
  return table;
}

/** No kernel of numbers alone takes more than 13; a function given too many ignores the rest. */
function passNumbers(f: WasmFunction): Kernel {
  return (
    _: Memory,
    a: number,
    b: number,
    c: number,
    d: number,
    e: number,
    g: number,
    h: number,
    i: number,
    j: number,
    k: number,
    l: number,
    m: number,
    n: number,
  ) => {
    f(a, b, c, d, e, g, h, i, j, k, l, m, n);
  };
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

function pairs(pick: Pick): [string, Kernel][] {
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

function triples(pick: Pick): [string, Kernel][] {
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

function copyKernels(pick: Pick): [string, Kernel][] {
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

function reduceKernels(pick: Pick): [string, Kernel][] {
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

function products(pick: Pick): [string, Kernel][] {
  const setDims = pick('setDims');
  const setA = pick('setStridesA');
  const setB = pick('setStridesB');
  const setReduced = pick('setReducedDims');
  const setReducedA = pick('setReducedStridesA');
  const setReducedB = pick('setReducedStridesB');
  const dot = pick(sumOfProducts.name);
  const product = pick('matmul');
  const conv = pick('conv');
  const convGradInput = pick('convGradInput');
  const convGradWeight = pick('convGradWeight');
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
    [
      'matmul',
      (
        _: Memory,
        a: number,
        b: number,
        bias: number,
        out: number,
        scratch: number,
        rows: number,
        columns: number,
        inner: number,
        aRow: number,
        aColumn: number,
        bRow: number,
        bColumn: number,
        biasRow: number,
        biasColumn: number,
        batchDims: Numbers,
        aBatch: Numbers,
        bBatch: Numbers,
        biasBatch: Numbers,
      ): void => {
        let batches = 1;
        for (let d = 0; d < batchDims.length; d++) batches *= batchDims[d]!;
        for (let batch = 0; batch < batches; batch++) {
          let i = a;
          let j = b;
          let k = bias;
          let rest = batch;
          for (let d = batchDims.length - 1; d >= 0; d--) {
            const position = rest % batchDims[d]!;
            rest = (rest - position) / batchDims[d]!;
            i += 4 * position * aBatch[d]!;
            j += 4 * position * bBatch[d]!;
            if (bias >= 0) k += 4 * position * biasBatch[d]!;
          }
          const o = out + 4 * batch * rows * columns;
          product(i, j, k, o, scratch, rows, columns, inner, aRow, aColumn, bRow, bColumn, biasRow, biasColumn);
        }
      },
    ],
    [
      'conv',
      (_: Memory, x: number, w: number, bias: number, out: number, scratch: number, geometry: Numbers): void => {
        conv(x, w, bias, out, scratch, ...geometry);
      },
    ],
    [
      'convGradInput',
      (_: Memory, dy: number, w: number, dx: number, scratch: number, geometry: Numbers): void => {
        convGradInput(dy, w, dx, scratch, ...geometry);
      },
    ],
    [
      'convGradWeight',
      (_: Memory, x: number, dy: number, dw: number, scratch: number, geometry: Numbers): void => {
        convGradWeight(x, dy, dw, scratch, ...geometry);
      },
    ],
    ...poolKernels(pick),
  ];
}

function poolKernels(pick: Pick): [string, Kernel][] {
  const maxPool = pick('maxPool');
  const maxPoolGrad = pick('maxPoolGrad');
  return [
    [
      'maxPool',
      (_: Memory, x: number, out: number, geometry: Numbers): void => {
        maxPool(x, out, ...geometry);
      },
    ],
    [
      'maxPoolGrad',
      (_: Memory, dy: number, x: number, dx: number, geometry: Numbers): void => {
        maxPoolGrad(dy, x, dx, ...geometry);
      },
    ],
  ];
}

const labelTypes: Numbers = [typeCode('i32'), typeCode('i64')];

/** Whether the module can read the labels; if not, the plain kernel runs and names the one at fault. */
function labelsAreClasses(
  m: Memory,
  labels: number,
  type: number,
  count: number,
  classes: number,
  hasIgnore: number,
  ignoreIndex: number,
): boolean {
  if (!labelTypes.includes(type)) return false;
  const given = elementsOf(m, type);
  const base = labels / elementBytes(type);
  for (let r = base; r < base + count; r++) {
    const label = given[r]!;
    if (!(label >= 0 && label < classes) && !(hasIgnore === 1 && label === ignoreIndex)) return false;
  }
  return true;
}

function lossKernels(pick: Pick): [string, Kernel][] {
  const forward = pick('crossEntropy');
  const backward = pick('crossEntropyGrad');
  return [
    [
      'crossEntropy',
      (
        m: Memory,
        scores: number,
        labels: number,
        labelType: number,
        weights: number,
        loss: number,
        batch: number,
        classes: number,
        inner: number,
        reduction: number,
        hasIgnore: number,
        ignore: number,
        normalized: number,
      ): void => {
        const count = batch * inner;
        const f = labelsAreClasses(m, labels, labelType, count, classes, hasIgnore, ignore)
          ? forward
          : entropy.crossEntropy.bind(null, m);
        f(scores, labels, labelType, weights, loss, batch, classes, inner, reduction, hasIgnore, ignore, normalized);
      },
    ],
    [
      'crossEntropyGrad',
      (
        m: Memory,
        dloss: number,
        scores: number,
        labels: number,
        labelType: number,
        weights: number,
        dscores: number,
        batch: number,
        classes: number,
        inner: number,
        reduction: number,
        hasIgnore: number,
        ignore: number,
      ): void => {
        const count = batch * inner;
        const f = labelsAreClasses(m, labels, labelType, count, classes, hasIgnore, ignore)
          ? backward
          : entropy.crossEntropyGrad.bind(null, m);
        f(dloss, scores, labels, labelType, weights, dscores, batch, classes, inner, reduction, hasIgnore, ignore);
      },
    ],
  ];
}

/** Rows shorter than this are added in plain TypeScript: a call costs more than they do. */
const shortRow = 8;

function gathers(pick: Pick): [string, Kernel][] {
  const addRows = pick('addRows');
  return [
    [
      'gatherGrad',
      (
        m: Memory,
        dy: number,
        indexType: number,
        indices: number,
        dx: number,
        outer: number,
        extent: number,
        inner: number,
        count: number,
      ): void => {
        const given = elementsOf(m, indexType);
        const base = indices / elementBytes(indexType);
        let inRange = inner >= shortRow;
        for (let j = base; inRange && j < base + count; j++) inRange = given[j]! >= -extent && given[j]! < extent;
        if (!inRange) {
          gatherGrad(m, dy, indexType, indices, dx, outer, extent, inner, count);
          return;
        }
        m.f32.fill(0, dx / 4, dx / 4 + outer * extent * inner);
        for (let row = 0; row < outer; row++)
          for (let j = 0; j < count; j++) {
            const index = given[base + j]!;
            const place = row * extent + (index < 0 ? index + extent : index);
            addRows(dx + 4 * place * inner, dy + 4 * (row * count + j) * inner, inner);
          }
      },
    ],
  ];
}

/** What a step's scalars say is worked out here, in double precision as the plain kernels do. */
function updates(pick: Pick): [string, Kernel][] {
  const sgd = pick('sgd');
  const sgdMomentum = pick('sgdMomentum');
  const adam = pick('adam');
  const squares = pick('squaresUpdate');
  const accumulate = pick('accumulate');
  const applies = (m: Memory, apply: number): boolean => apply < 0 || m.u8[apply] !== 0;
  return [
    [
      optimizers.sgd.name,
      (m: Memory, w: number, g: number, rate: number, apply: number, out: number, count: number, decay: number) => {
        if (applies(m, apply)) sgd(w, g, out, count, m.f32[rate / 4]!, decay);
      },
    ],
    [
      optimizers.sgdMomentum.name,
      (
        m: Memory,
        w: number,
        g: number,
        rate: number,
        velocity: number,
        apply: number,
        out: number,
        outVelocity: number,
        count: number,
        decay: number,
        dampening: number,
        nesterov: number,
        weightDecay: number,
      ) => {
        if (!applies(m, apply)) return;
        const step = m.f32[rate / 4]!;
        sgdMomentum(w, g, velocity, out, outVelocity, count, step, decay, 1 - dampening, nesterov, weightDecay);
      },
    ],
    [
      optimizers.adam.name,
      (
        m: Memory,
        w: number,
        g: number,
        learningRate: number,
        first: number,
        second: number,
        steps: number,
        apply: number,
        out: number,
        outFirst: number,
        outSecond: number,
        count: number,
        beta1: number,
        beta2: number,
        epsilon: number,
        weightDecay: number,
        decoupled: number,
      ) => {
        if (!applies(m, apply)) return;
        const rate = m.f32[learningRate / 4]!;
        const step = m.i32[steps / 4]! + 1;
        const stepSize = rate / (1 - beta1 ** step);
        const correction = 1 / Math.sqrt(1 - beta2 ** step);
        const added = decoupled === 1 ? 0 : weightDecay;
        const kept = decoupled === 1 ? 1 - rate * weightDecay : 1;
        const share1 = 1 - beta1;
        const share2 = 1 - beta2;
        // biome-ignore format: one line a group of arguments
        adam(
          w, g, first, second, out, outFirst, outSecond, count,
          stepSize, correction, beta1, share1, beta2, share2, epsilon, added, kept,
        );
      },
    ],
    [
      optimizers.adagrad.name,
      (
        m: Memory,
        w: number,
        g: number,
        rate: number,
        sums: number,
        apply: number,
        out: number,
        outSums: number,
        count: number,
        epsilon: number,
        weightDecay: number,
      ) => {
        if (applies(m, apply)) squares(w, g, sums, out, outSums, count, m.f32[rate / 4]!, 1, 1, epsilon, weightDecay);
      },
    ],
    [
      optimizers.rmsprop.name,
      (
        m: Memory,
        w: number,
        g: number,
        rate: number,
        means: number,
        apply: number,
        out: number,
        outMeans: number,
        count: number,
        decay: number,
        epsilon: number,
        weightDecay: number,
      ) => {
        if (!applies(m, apply)) return;
        squares(w, g, means, out, outMeans, count, m.f32[rate / 4]!, decay, 1 - decay, epsilon, weightDecay);
      },
    ],
    [
      optimizers.accumulate.name,
      (m: Memory, sum: number, g: number, phase: number, out: number, count: number, every: number) => {
        accumulate(sum, g, out, count, every, m.i32[phase / 4] === 0 ? 0 : 1);
      },
    ],
  ];
}
