/**
 * Convolution and its two gradients, in three spatial dimensions (fewer are padded with leading extents of 1), as
 * blocked products over patches packed tile by tile: no im2col matrix is ever stored (cf. Chellapilla et al. 2006).
 *
 * Images of a batch are walked as one long row of positions, so small feature maps still fill the blocks. The gradient
 * of the input is taken phase by phase of the stride: the positions of one phase see the same taps of the filter, so
 * each phase is a dense product and every element is written once. Depthwise filters are plain loops.
 *
 * The file is long because the three share their walks over positions and taps.
 *
 * A geometry is [N, Cin, Cout, groups, D,H,W, kD,kH,kW, oD,oH,oW, sD,sH,sW, pD,pH,pW, dD,dH,dW]: extents of the input,
 * the filter and the result, strides, pads before, dilations. x [N,Cin,D,H,W], w [Cout,Cin/groups,kD,kH,kW],
 * y [N,Cout,oD,oH,oW].
 */
import type { FloatArray, Memory } from '../memory.ts';
import {
  clearLastPanel,
  columnBlock,
  depthBlock,
  gemmScratch,
  multiplyPanels,
  packedColumnsLength,
  packRows,
  rowBlock,
} from './gemm.ts';
import { endInside, firstInside } from './window.ts';

/** Fewer filters than this over a single channel are computed without packing. */
const directFilters = 4;

function isDepthwise(g: readonly number[]): boolean {
  return g[1] === g[3] && g[2]! / g[3]! < directFilters;
}

/** Bytes of scratch of `conv`. */
export function convScratch(g: readonly number[]): number {
  if (isDepthwise(g)) return 0;
  return gemmScratch(g[2]! / g[3]!, g[0]! * positions(g), (g[1]! / g[3]!) * taps(g));
}

/** Bytes of scratch of `convGradInput`: that of its largest phase. */
export function convGradInputScratch(g: readonly number[]): number {
  if (isDepthwise(g)) return 0;
  let largest = 0;
  for (let rd = 0; rd < Math.min(g[13]!, g[4]!); rd++)
    for (let rh = 0; rh < Math.min(g[14]!, g[5]!); rh++)
      for (let rw = 0; rw < Math.min(g[15]!, g[6]!); rw++) {
        const inner = (g[2]! / g[3]!) * phaseTaps(g, 0, rd) * phaseTaps(g, 1, rh) * phaseTaps(g, 2, rw);
        const columns = g[0]! * phaseExtent(g, 0, rd) * phaseExtent(g, 1, rh) * phaseExtent(g, 2, rw);
        largest = Math.max(largest, gemmScratch(g[1]! / g[3]!, columns, inner));
      }
  return largest;
}

/** Bytes of scratch of `convGradWeight`. */
export function convGradWeightScratch(g: readonly number[]): number {
  if (isDepthwise(g)) return 0;
  return gemmScratch(g[2]! / g[3]!, (g[1]! / g[3]!) * taps(g), g[0]! * positions(g));
}

/** Spatial positions of one image of the result. */
function positions(g: readonly number[]): number {
  return g[10]! * g[11]! * g[12]!;
}

/** Taps of one channel of a filter. */
function taps(g: readonly number[]): number {
  return g[7]! * g[8]! * g[9]!;
}

/** Elements of one channel of the input. */
function plane(g: readonly number[]): number {
  return g[4]! * g[5]! * g[6]!;
}

/** y = x convolved with w, plus `bias` per channel unless it is -1. */
export function conv(
  m: Memory,
  x: number,
  w: number,
  bias: number,
  out: number,
  scratch: number,
  g: readonly number[],
): void {
  const f = m.f32;
  const batch = g[0]!;
  const channels = g[1]!;
  const filters = g[2]!;
  const groups = g[3]!;
  const size = positions(g);
  for (let n = 0, o = out / 4; n < batch; n++)
    for (let c = 0; c < filters; c++, o += size) f.fill(bias < 0 ? 0 : f[bias / 4 + c]!, o, o + size);
  if (isDepthwise(g)) {
    convDepthwise(f, x / 4, w / 4, out / 4, g);
    return;
  }
  const rows = filters / groups;
  const inner = (channels / groups) * taps(g);
  const columns = batch * size;
  const right = scratch / 4;
  const left = right + packedColumnsLength(columns, inner);
  for (let group = 0; group < groups; group++) {
    const weights = w / 4 + group * rows * inner;
    const image = x / 4 + group * (channels / groups) * plane(g);
    const to = out / 4 + group * rows * size;
    for (let jc = 0; jc < columns; jc += columnBlock) {
      const nc = Math.min(columnBlock, columns - jc);
      for (let pc = 0; pc < inner; pc += depthBlock) {
        const kc = Math.min(depthBlock, inner - pc);
        packPatches(f, right, image, jc, nc, pc, kc, g);
        for (let ic = 0; ic < rows; ic += rowBlock) {
          const mc = Math.min(rowBlock, rows - ic);
          packRows(f, left, weights + ic * inner + pc, mc, kc, inner, 1);
          for (let c = 0; c < nc; c += 4) {
            const column = jc + c;
            const o = to + ic * size;
            const c0 = o + Math.floor(column / size) * filters * size + (column % size);
            const c1 = o + Math.floor((column + 1) / size) * filters * size + ((column + 1) % size);
            const c2 = o + Math.floor((column + 2) / size) * filters * size + ((column + 2) % size);
            const c3 = o + Math.floor((column + 3) / size) * filters * size + ((column + 3) % size);
            multiplyPanels(f, left, right + c * kc, mc, nc - c, kc, size, c0, c1, c2, c3);
          }
        }
      }
    }
  }
}

/** First input coordinates of the patches of one panel of four, and the elements they start at. */
const laneStart = new Float64Array(4);
const laneD = new Int32Array(4);
const laneH = new Int32Array(4);
const laneW = new Int32Array(4);

/**
 * Packs patches as columns: positions first .. first + count of the whole batch, rows tap0 .. tap0 + depth of
 * (channel, kd, kh, kw). `image` is the first channel of the group in the first image.
 */
function packPatches(
  f: FloatArray,
  to: number,
  image: number,
  first: number,
  count: number,
  tap0: number,
  depth: number,
  g: readonly number[],
): void {
  const D = g[4]!;
  const H = g[5]!;
  const W = g[6]!;
  const kD = g[7]!;
  const kH = g[8]!;
  const kW = g[9]!;
  const oH = g[11]!;
  const oW = g[12]!;
  const dD = g[19]!;
  const dH = g[20]!;
  const dW = g[21]!;
  const size = positions(g);
  const channelSize = plane(g);
  const imageSize = g[1]! * channelSize;
  const volume = taps(g);
  const firstChannel = Math.floor(tap0 / volume);
  const firstKd = Math.floor((tap0 % volume) / (kH * kW));
  const firstKh = Math.floor((tap0 % (kH * kW)) / kW);
  const firstKw = tap0 % kW;
  clearLastPanel(f, to, count, depth);
  for (let c = 0; c < count; c += 4) {
    const lanes = Math.min(4, count - c);
    let interior = lanes === 4;
    for (let lane = 0; lane < lanes; lane++) {
      const column = first + c + lane;
      const n = Math.floor(column / size);
      const position = column % size;
      const id = Math.floor(position / (oH * oW)) * g[13]! - g[16]!;
      const ih = (Math.floor(position / oW) % oH) * g[14]! - g[17]!;
      const iw = (position % oW) * g[15]! - g[18]!;
      laneD[lane] = id;
      laneH[lane] = ih;
      laneW[lane] = iw;
      laneStart[lane] = image + n * imageSize + (id * H + ih) * W + iw;
      if (id < 0 || ih < 0 || iw < 0 || id + (kD - 1) * dD >= D || ih + (kH - 1) * dH >= H || iw + (kW - 1) * dW >= W)
        interior = false;
    }
    let kd = firstKd;
    let kh = firstKh;
    let kw = firstKw;
    let base = firstChannel * channelSize;
    if (interior) {
      const s0 = laneStart[0]!;
      const s1 = laneStart[1]!;
      const s2 = laneStart[2]!;
      const s3 = laneStart[3]!;
      for (let p = 0; p < depth; ) {
        const run = Math.min(kW - kw, depth - p);
        let i = base + (kd * dD * H + kh * dH) * W + kw * dW;
        for (let t = 0; t < run; t++, i += dW, to += 4) {
          f[to] = f[s0 + i]!;
          f[to + 1] = f[s1 + i]!;
          f[to + 2] = f[s2 + i]!;
          f[to + 3] = f[s3 + i]!;
        }
        p += run;
        kw = 0;
        if (++kh === kH) {
          kh = 0;
          if (++kd === kD) {
            kd = 0;
            base += channelSize;
          }
        }
      }
    } else {
      for (let p = 0; p < depth; ) {
        const run = Math.min(kW - kw, depth - p);
        const i = base + (kd * dD * H + kh * dH) * W + kw * dW;
        for (let lane = 0; lane < 4; lane++) {
          const id = laneD[lane]! + kd * dD;
          const ih = laneH[lane]! + kh * dH;
          let q = to + lane;
          if (lane < lanes && id >= 0 && id < D && ih >= 0 && ih < H) {
            let source = laneStart[lane]! + i;
            let iw = laneW[lane]! + kw * dW;
            for (let t = 0; t < run; t++, q += 4, source += dW, iw += dW) f[q] = iw >= 0 && iw < W ? f[source]! : 0;
          } else {
            for (let t = 0; t < run; t++, q += 4) f[q] = 0;
          }
        }
        to += 4 * run;
        p += run;
        kw = 0;
        if (++kh === kH) {
          kh = 0;
          if (++kd === kD) {
            kd = 0;
            base += channelSize;
          }
        }
      }
    }
  }
}

/** dw [Cout, Cin/groups, ...] = sum over batch and positions of dy times the patches of x. */
export function convGradWeight(
  m: Memory,
  x: number,
  dy: number,
  dw: number,
  scratch: number,
  g: readonly number[],
): void {
  const f = m.f32;
  const batch = g[0]!;
  const channels = g[1]!;
  const filters = g[2]!;
  const groups = g[3]!;
  const rows = filters / groups;
  const columns = (channels / groups) * taps(g);
  f.fill(0, dw / 4, dw / 4 + filters * columns);
  if (isDepthwise(g)) {
    convDepthwiseGradWeight(f, x / 4, dy / 4, dw / 4, g);
    return;
  }
  const size = positions(g);
  const inner = batch * size;
  const right = scratch / 4;
  const left = right + packedColumnsLength(columns, inner);
  for (let group = 0; group < groups; group++) {
    const image = x / 4 + group * (channels / groups) * plane(g);
    const to = dw / 4 + group * rows * columns;
    for (let jc = 0; jc < columns; jc += columnBlock) {
      const nc = Math.min(columnBlock, columns - jc);
      for (let pc = 0; pc < inner; pc += depthBlock) {
        const kc = Math.min(depthBlock, inner - pc);
        packPatchRows(f, right, image, jc, nc, pc, kc, g);
        for (let ic = 0; ic < rows; ic += rowBlock) {
          const mc = Math.min(rowBlock, rows - ic);
          packPositions(f, left, dy / 4 + (group * rows + ic) * size, mc, pc, kc, size, filters * size);
          for (let c = 0; c < nc; c += 4) {
            const o = to + ic * columns + jc + c;
            multiplyPanels(f, left, right + c * kc, mc, nc - c, kc, columns, o, o + 1, o + 2, o + 3);
          }
        }
      }
    }
  }
}

/** Packs `count` channels at positions first .. first + depth of the batch into panels of 4 rows. */
function packPositions(
  f: FloatArray,
  to: number,
  from: number,
  count: number,
  first: number,
  depth: number,
  size: number,
  imageStride: number,
): void {
  for (let r = 0; r < count; r += 4) {
    for (let p = 0; p < depth; ) {
      const n = Math.floor((first + p) / size);
      const start = (first + p) % size;
      const run = Math.min(depth - p, size - start);
      packRows(f, to, from + n * imageStride + r * size + start, Math.min(4, count - r), run, size, 1);
      to += 4 * run;
      p += run;
    }
  }
}

/**
 * The transpose of `packPatches`: columns are (channel, kd, kh, kw) tap0 .. tap0 + count, the depth runs over positions
 * first .. first + depth of the batch.
 */
function packPatchRows(
  f: FloatArray,
  to: number,
  image: number,
  tap0: number,
  count: number,
  first: number,
  depth: number,
  g: readonly number[],
): void {
  const D = g[4]!;
  const H = g[5]!;
  const W = g[6]!;
  const kH = g[8]!;
  const kW = g[9]!;
  const oH = g[11]!;
  const oW = g[12]!;
  const stride = g[15]!;
  const size = positions(g);
  const channelSize = plane(g);
  const imageSize = g[1]! * channelSize;
  const volume = taps(g);
  clearLastPanel(f, to, count, depth);
  for (let c = 0; c < count; c += 4, to += 4 * depth) {
    for (let lane = 0; lane < 4; lane++) {
      let q = to + lane;
      if (c + lane >= count) {
        for (let p = 0; p < depth; p++, q += 4) f[q] = 0;
        continue;
      }
      const tap = tap0 + c + lane;
      const shiftD = (Math.floor(tap / (kH * kW)) % g[7]!) * g[19]! - g[16]!;
      const shiftH = (Math.floor(tap / kW) % kH) * g[20]! - g[17]!;
      const shiftW = (tap % kW) * g[21]! - g[18]!;
      const channel = image + Math.floor(tap / volume) * channelSize;
      let ow = first % oW;
      let oh = Math.floor(first / oW) % oH;
      let od = Math.floor((first % size) / (oH * oW));
      let n = Math.floor(first / size);
      for (let p = 0; p < depth; ) {
        const run = Math.min(oW - ow, depth - p);
        const id = od * g[13]! + shiftD;
        const ih = oh * g[14]! + shiftH;
        if (id >= 0 && id < D && ih >= 0 && ih < H) {
          let iw = ow * stride + shiftW;
          let source = channel + n * imageSize + (id * H + ih) * W + iw;
          for (let t = 0; t < run; t++, q += 4, source += stride, iw += stride)
            f[q] = iw >= 0 && iw < W ? f[source]! : 0;
        } else {
          for (let t = 0; t < run; t++, q += 4) f[q] = 0;
        }
        p += run;
        ow = 0;
        if (++oh === oH) {
          oh = 0;
          if (++od === g[10]!) {
            od = 0;
            n++;
          }
        }
      }
    }
  }
}

/** Positions of the input along `axis` (0: depth, 1: height, 2: width) whose coordinate modulo the stride is `phase`. */
function phaseExtent(g: readonly number[], axis: number, phase: number): number {
  return Math.ceil((g[4 + axis]! - phase) / g[13 + axis]!);
}

/** Whether tap `k` along `axis` reaches positions of `phase`. */
function reaches(g: readonly number[], axis: number, phase: number, k: number): boolean {
  return (phase + g[16 + axis]! - k * g[19 + axis]!) % g[13 + axis]! === 0;
}

function phaseTaps(g: readonly number[], axis: number, phase: number): number {
  let count = 0;
  for (let k = 0; k < g[7 + axis]!; k++) if (reaches(g, axis, phase, k)) count++;
  return count;
}

/** dx = the adjoint of the convolution applied to dy; also the forward of conv_transpose. */
export function convGradInput(
  m: Memory,
  dy: number,
  w: number,
  dx: number,
  scratch: number,
  g: readonly number[],
): void {
  const f = m.f32;
  f.fill(0, dx / 4, dx / 4 + g[0]! * g[1]! * plane(g));
  if (isDepthwise(g)) {
    convDepthwiseGradInput(f, dy / 4, w / 4, dx / 4, g);
    return;
  }
  for (let rd = 0; rd < Math.min(g[13]!, g[4]!); rd++)
    for (let rh = 0; rh < Math.min(g[14]!, g[5]!); rh++)
      for (let rw = 0; rw < Math.min(g[15]!, g[6]!); rw++)
        gradInputPhase(f, dy / 4, w / 4, dx / 4, scratch / 4, g, rd, rh, rw);
}

function gradInputPhase(
  f: FloatArray,
  dy: number,
  w: number,
  dx: number,
  right: number,
  g: readonly number[],
  rd: number,
  rh: number,
  rw: number,
): void {
  const batch = g[0]!;
  const channels = g[1]!;
  const filters = g[2]!;
  const groups = g[3]!;
  const H = g[5]!;
  const W = g[6]!;
  const eD = phaseExtent(g, 0, rd);
  const eH = phaseExtent(g, 1, rh);
  const eW = phaseExtent(g, 2, rw);
  const rows = channels / groups;
  const perGroup = filters / groups;
  const inner = perGroup * phaseTaps(g, 0, rd) * phaseTaps(g, 1, rh) * phaseTaps(g, 2, rw);
  const columns = batch * eD * eH * eW;
  const size = plane(g);
  const left = right + packedColumnsLength(columns, inner);
  for (let group = 0; group < groups; group++) {
    const weights = w + group * perGroup * rows * taps(g);
    const source = dy + group * perGroup * positions(g);
    const to = dx + group * rows * size;
    for (let jc = 0; jc < columns; jc += columnBlock) {
      const nc = Math.min(columnBlock, columns - jc);
      for (let pc = 0; pc < inner; pc += depthBlock) {
        const kc = Math.min(depthBlock, inner - pc);
        listPairs(g, rd, rh, rw, pc, kc);
        packPhaseColumns(f, right, source, jc, nc, kc, g, eD, eH, eW);
        for (let ic = 0; ic < rows; ic += rowBlock) {
          const mc = Math.min(rowBlock, rows - ic);
          packPhaseWeights(f, left, weights, ic, mc, kc, taps(g));
          for (let c = 0; c < nc; c += 4) {
            for (let lane = 0; lane < 4; lane++) {
              const column = jc + c + lane;
              const n = Math.floor(column / (eD * eH * eW));
              const id = (Math.floor(column / (eH * eW)) % eD) * g[13]! + rd;
              const ih = (Math.floor(column / eW) % eH) * g[14]! + rh;
              const iw = (column % eW) * g[15]! + rw;
              laneStart[lane] = to + (n * channels + ic) * size + (id * H + ih) * W + iw;
            }
            multiplyPanels(
              f,
              left,
              right + c * kc,
              mc,
              nc - c,
              kc,
              size,
              laneStart[0]!,
              laneStart[1]!,
              laneStart[2]!,
              laneStart[3]!,
            );
          }
        }
      }
    }
  }
}

/**
 * The (filter, tap) pairs of one block of a phase, in the order filter, kd, kh, kw: where the weight lies within its
 * group, how far the element of dy lies from the position, and that distance along each axis.
 */
const pairWeight = new Float64Array(depthBlock);
const pairShift = new Float64Array(depthBlock);
const pairD = new Int32Array(depthBlock);
const pairH = new Int32Array(depthBlock);
const pairW = new Int32Array(depthBlock);

/** Fills the tables with pairs skip .. skip + count. */
function listPairs(g: readonly number[], rd: number, rh: number, rw: number, skip: number, count: number): void {
  const volume = taps(g);
  const size = positions(g);
  const rows = g[1]! / g[3]!;
  const pairs = phaseTaps(g, 0, rd) * phaseTaps(g, 1, rh) * phaseTaps(g, 2, rw);
  let filter = Math.floor(skip / pairs);
  let p = filter * pairs - skip;
  for (; p < count; filter++)
    for (let kd = 0; kd < g[7]!; kd++) {
      if (!reaches(g, 0, rd, kd)) continue;
      for (let kh = 0; kh < g[8]!; kh++) {
        if (!reaches(g, 1, rh, kh)) continue;
        for (let kw = 0; kw < g[9]!; kw++) {
          if (!reaches(g, 2, rw, kw)) continue;
          if (p >= 0 && p < count) {
            const d = (rd + g[16]! - kd * g[19]!) / g[13]!;
            const h = (rh + g[17]! - kh * g[20]!) / g[14]!;
            const w = (rw + g[18]! - kw * g[21]!) / g[15]!;
            pairWeight[p] = filter * rows * volume + (kd * g[8]! + kh) * g[9]! + kw;
            pairShift[p] = filter * size + (d * g[11]! + h) * g[12]! + w;
            pairD[p] = d;
            pairH[p] = h;
            pairW[p] = w;
          }
          p++;
        }
      }
    }
}

/** Packs weights as rows (input channels) first .. first + count over the listed pairs. */
function packPhaseWeights(
  f: FloatArray,
  to: number,
  weights: number,
  first: number,
  count: number,
  depth: number,
  volume: number,
): void {
  for (let r = 0; r < count; r += 4)
    for (let p = 0; p < depth; p++) {
      let source = weights + pairWeight[p]! + (first + r) * volume;
      for (let lane = 0; lane < 4; lane++, source += volume) f[to++] = r + lane < count ? f[source]! : 0;
    }
}

/** Packs dy as columns (input positions of the phase) first .. first + count over the listed pairs. */
function packPhaseColumns(
  f: FloatArray,
  to: number,
  source: number,
  first: number,
  count: number,
  depth: number,
  g: readonly number[],
  eD: number,
  eH: number,
  eW: number,
): void {
  const oD = g[10]!;
  const oH = g[11]!;
  const oW = g[12]!;
  const imageSize = g[2]! * positions(g);
  clearLastPanel(f, to, count, depth);
  for (let c = 0; c < count; c += 4) {
    const lanes = Math.min(4, count - c);
    for (let lane = 0; lane < lanes; lane++) {
      const column = first + c + lane;
      const d = Math.floor(column / (eH * eW)) % eD;
      const h = Math.floor(column / eW) % eH;
      const w = column % eW;
      laneD[lane] = d;
      laneH[lane] = h;
      laneW[lane] = w;
      laneStart[lane] = source + Math.floor(column / (eD * eH * eW)) * imageSize + (d * oH + h) * oW + w;
    }
    for (let lane = 0; lane < 4; lane++) {
      let q = to + lane;
      if (lane >= lanes) {
        for (let p = 0; p < depth; p++, q += 4) f[q] = 0;
        continue;
      }
      const start = laneStart[lane]!;
      const d = laneD[lane]!;
      const h = laneH[lane]!;
      const w = laneW[lane]!;
      for (let p = 0; p < depth; p++, q += 4) {
        const od = d + pairD[p]!;
        const oh = h + pairH[p]!;
        const ow = w + pairW[p]!;
        const inside = od >= 0 && od < oD && oh >= 0 && oh < oH && ow >= 0 && ow < oW;
        f[q] = inside ? f[start + pairShift[p]!]! : 0;
      }
    }
    to += 4 * depth;
  }
}

/** Adds to y, whose planes hold the bias; one channel a group. */
function convDepthwise(f: FloatArray, x: number, w: number, out: number, g: readonly number[]): void {
  const filters = g[2]!;
  const H = g[5]!;
  const W = g[6]!;
  const kH = g[8]!;
  const kW = g[9]!;
  const dD = g[19]!;
  const dH = g[20]!;
  const dW = g[21]!;
  const perGroup = filters / g[3]!;
  const volume = taps(g);
  let o = out;
  for (let n = 0; n < g[0]!; n++)
    for (let c = 0; c < filters; c++) {
      const channel = x + (n * g[1]! + Math.floor(c / perGroup)) * plane(g);
      const weights = w + c * volume;
      for (let od = 0; od < g[10]!; od++) {
        const id = od * g[13]! - g[16]!;
        const d0 = firstInside(id, dD);
        const d1 = endInside(id, dD, g[4]!, g[7]!);
        for (let oh = 0; oh < g[11]!; oh++) {
          const ih = oh * g[14]! - g[17]!;
          const h0 = firstInside(ih, dH);
          const h1 = endInside(ih, dH, H, kH);
          for (let ow = 0; ow < g[12]!; ow++, o++) {
            const iw = ow * g[15]! - g[18]!;
            const w0 = firstInside(iw, dW);
            const w1 = endInside(iw, dW, W, kW);
            let sum = f[o]!;
            for (let kd = d0; kd < d1; kd++)
              for (let kh = h0; kh < h1; kh++) {
                const row = channel + ((id + kd * dD) * H + ih + kh * dH) * W + iw;
                const tap = weights + (kd * kH + kh) * kW;
                for (let kw = w0; kw < w1; kw++) sum += f[row + kw * dW]! * f[tap + kw]!;
              }
            f[o] = sum;
          }
        }
      }
    }
}

/** Scatters dy times the filter into dx, whose planes hold zeros or a bias. */
function convDepthwiseGradInput(f: FloatArray, dy: number, w: number, dx: number, g: readonly number[]): void {
  const filters = g[2]!;
  const H = g[5]!;
  const W = g[6]!;
  const kH = g[8]!;
  const kW = g[9]!;
  const dD = g[19]!;
  const dH = g[20]!;
  const dW = g[21]!;
  const perGroup = filters / g[3]!;
  const volume = taps(g);
  let i = dy;
  for (let n = 0; n < g[0]!; n++)
    for (let c = 0; c < filters; c++) {
      const channel = dx + (n * g[1]! + Math.floor(c / perGroup)) * plane(g);
      const weights = w + c * volume;
      for (let od = 0; od < g[10]!; od++) {
        const id = od * g[13]! - g[16]!;
        const d0 = firstInside(id, dD);
        const d1 = endInside(id, dD, g[4]!, g[7]!);
        for (let oh = 0; oh < g[11]!; oh++) {
          const ih = oh * g[14]! - g[17]!;
          const h0 = firstInside(ih, dH);
          const h1 = endInside(ih, dH, H, kH);
          for (let ow = 0; ow < g[12]!; ow++, i++) {
            const iw = ow * g[15]! - g[18]!;
            const w0 = firstInside(iw, dW);
            const w1 = endInside(iw, dW, W, kW);
            const value = f[i]!;
            for (let kd = d0; kd < d1; kd++)
              for (let kh = h0; kh < h1; kh++) {
                const row = channel + ((id + kd * dD) * H + ih + kh * dH) * W + iw;
                const tap = weights + (kd * kH + kh) * kW;
                for (let kw = w0; kw < w1; kw++) f[row + kw * dW] = f[row + kw * dW]! + value * f[tap + kw]!;
              }
          }
        }
      }
    }
}

/** One tap at a time: the sum over batch and positions in one double accumulator. */
function convDepthwiseGradWeight(f: FloatArray, x: number, dy: number, dw: number, g: readonly number[]): void {
  const batch = g[0]!;
  const channels = g[1]!;
  const filters = g[2]!;
  const H = g[5]!;
  const W = g[6]!;
  const oD = g[10]!;
  const oH = g[11]!;
  const oW = g[12]!;
  const sD = g[13]!;
  const sH = g[14]!;
  const sW = g[15]!;
  const perGroup = filters / g[3]!;
  let o = dw;
  for (let c = 0; c < filters; c++)
    for (let kd = 0; kd < g[7]!; kd++)
      for (let kh = 0; kh < g[8]!; kh++)
        for (let kw = 0; kw < g[9]!; kw++, o++) {
          const shiftD = kd * g[19]! - g[16]!;
          const shiftH = kh * g[20]! - g[17]!;
          const shiftW = kw * g[21]! - g[18]!;
          const w0 = firstInside(shiftW, sW);
          const w1 = endInside(shiftW, sW, W, oW);
          let sum = 0;
          for (let n = 0; n < batch; n++) {
            const channel = x + (n * channels + Math.floor(c / perGroup)) * plane(g);
            const result = dy + (n * filters + c) * positions(g);
            for (let od = firstInside(shiftD, sD); od < endInside(shiftD, sD, g[4]!, oD); od++)
              for (let oh = firstInside(shiftH, sH); oh < endInside(shiftH, sH, H, oH); oh++) {
                const row = channel + ((od * sD + shiftD) * H + oh * sH + shiftH) * W + shiftW;
                const from = result + (od * oH + oh) * oW;
                for (let ow = w0; ow < w1; ow++) sum += f[from + ow]! * f[row + ow * sW]!;
              }
          }
          f[o] = sum;
        }
}
