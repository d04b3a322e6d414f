/**
 * Convolution and its gradients in three spatial dimensions over blocked products of packed patches; the same
 * decomposition as runtime/kernels/conv.ts. Geometry as there: extents of the input, the filter and the result, strides,
 * pads before, dilations.
 */
import {
  correlate,
  setFirstShifts,
  setResult,
  setResultGrid,
  setShifts,
  setTapOffsets,
  setTaps,
} from './correlate';
import { absent, columnBlock, depthBlock, multiplyBlock, packedColumnsBytes, packRows, rowBlock, storeTransposed } from './gemm';
import {
  consecutive,
  insideMask,
  quadBase,
  quadD,
  quadH,
  quadW,
  seek,
  setGrid,
  setSource,
  setStarts,
  setSteps,
  sourceH,
  sourceW,
  takeQuad,
} from './grid';
import { convDepthwise, convDepthwiseGradInput, convDepthwiseGradWeight } from './depthwise';
import { fillPlanes } from './fill';

/** Fewer filters than this over a single channel are walked directly, as in the plain kernel. */
const directFilters: i32 = 4;

/** y = x convolved with w, plus a bias per filter. */
export function conv(
  x: usize,
  w: usize,
  bias: usize,
  out: usize,
  scratch: usize,
  batch: i32,
  channels: i32,
  filters: i32,
  groups: i32,
  D: i32,
  H: i32,
  W: i32,
  kD: i32,
  kH: i32,
  kW: i32,
  oD: i32,
  oH: i32,
  oW: i32,
  sD: i32,
  sH: i32,
  sW: i32,
  pD: i32,
  pH: i32,
  pW: i32,
  dD: i32,
  dH: i32,
  dW: i32,
): void {
  const size = oD * oH * oW;
  const plane = D * H * W;
  const perGroup = channels / groups;
  const rows = filters / groups;
  const inner = perGroup * kD * kH * kW;
  const columns = batch * size;
  const direct = perGroup == 1 && rows < directFilters;
  if (direct || inner == 0 || plane == 0) fillPlanes(out, bias, batch, filters, size);
  if (inner == 0 || plane == 0) return;
  if (direct) {
    convDepthwise(
      x, w, out, batch, channels, filters,
      D, H, W, kD, kH, kW, oD, oH, oW, sD, sH, sW, pD, pH, pW, dD, dH, dW,
    );
    return;
  }
  setGrid(oD, oH, oW);
  setSteps(sD, sH, sW);
  setStarts(-pD, -pH, -pW);
  setSource(D, H, W, channels * plane);
  setTaps(kD, kH, kW);
  setFirstShifts(0, 0, 0);
  setShifts(dD, dH, dW);
  setTapOffsets(0, kH * kW, kW, 1);
  setResult(oH, oW, filters * size, 1, 1, 1, 0);
  setResultGrid(oD, oH, oW);
  const end = x + (<usize>(batch * channels * plane) << 2);
  for (let group = 0; group < groups; group++)
    correlate(
      x + (<usize>(group * perGroup * plane) << 2),
      x,
      end,
      w + (<usize>(group * rows * inner) << 2),
      bias == absent ? absent : bias + (<usize>(group * rows) << 2),
      out + (<usize>(group * rows * size) << 2),
      scratch,
      rows,
      columns,
      perGroup,
      <usize>plane << 2,
      inner,
      kD * kH * kW,
      <usize>size << 2,
    );
}

/** First tap along an axis that reaches positions of `phase`, or -1. */
function firstTap(phase: i32, pad: i32, dilation: i32, stride: i32, taps: i32): i32 {
  for (let k = 0; k < taps; k++) if ((phase + pad - k * dilation) % stride == 0) return k;
  return -1;
}

/** Distance of two taps that reach the same phase: stride / gcd(stride, dilation). */
function tapDistance(stride: i32, dilation: i32): i32 {
  let a = stride;
  let b = dilation;
  while (b != 0) {
    const rest = a % b;
    a = b;
    b = rest;
  }
  return stride / a;
}

/**
 * dx = the adjoint of the convolution applied to dy. Positions of one phase of the stride see the
 * same taps, so each phase is a dense product and every element is written by one of them.
 */
export function convGradInput(
  dy: usize,
  w: usize,
  dx: usize,
  scratch: usize,
  batch: i32,
  channels: i32,
  filters: i32,
  groups: i32,
  D: i32,
  H: i32,
  W: i32,
  kD: i32,
  kH: i32,
  kW: i32,
  oD: i32,
  oH: i32,
  oW: i32,
  sD: i32,
  sH: i32,
  sW: i32,
  pD: i32,
  pH: i32,
  pW: i32,
  dD: i32,
  dH: i32,
  dW: i32,
): void {
  const size = oD * oH * oW;
  const plane = D * H * W;
  const volume = kD * kH * kW;
  const rows = channels / groups;
  const perGroup = filters / groups;
  // Phases that no tap reaches stay zero.
  const nD = tapDistance(sD, dD);
  const nH = tapDistance(sH, dH);
  const nW = tapDistance(sW, dW);
  const gaps = size == 0 || perGroup == 0 || sD > min(kD, nD) || sH > min(kH, nH) || sW > min(kW, nW);
  const direct = rows == 1 && perGroup < directFilters;
  if (gaps || direct) memory.fill(dx, 0, <usize>(batch * channels * plane) << 2);
  if (size == 0 || perGroup == 0 || plane == 0) return;
  if (direct) {
    convDepthwiseGradInput(
      dy, w, dx, batch, channels, filters,
      D, H, W, kD, kH, kW, oD, oH, oW, sD, sH, sW, pD, pH, pW, dD, dH, dW,
    );
    return;
  }
  const end = dy + (<usize>(batch * filters * size) << 2);
  for (let rd = 0; rd < min(sD, D); rd++) {
    const k0D = firstTap(rd, pD, dD, sD, kD);
    for (let rh = 0; rh < min(sH, H); rh++) {
      const k0H = firstTap(rh, pH, dH, sH, kH);
      for (let rw = 0; rw < min(sW, W); rw++) {
        const k0W = firstTap(rw, pW, dW, sW, kW);
        if (k0D < 0 || k0H < 0 || k0W < 0) continue;
        const eD = (D - rd + sD - 1) / sD;
        const eH = (H - rh + sH - 1) / sH;
        const eW = (W - rw + sW - 1) / sW;
        setGrid(eD, eH, eW);
        setSteps(1, 1, 1);
        setStarts(0, 0, 0);
        setSource(oD, oH, oW, filters * size);
        setTaps((kD - 1 - k0D) / nD + 1, (kH - 1 - k0H) / nH + 1, (kW - 1 - k0W) / nW + 1);
        setFirstShifts((rd + pD - k0D * dD) / sD, (rh + pH - k0H * dH) / sH, (rw + pW - k0W * dW) / sW);
        setShifts(-((nD * dD) / sD), -((nH * dH) / sH), -((nW * dW) / sW));
        setTapOffsets((k0D * kH + k0H) * kW + k0W, nD * kH * kW, nH * kW, nW);
        setResult(H, W, channels * plane, sD, sH, sW, (rd * H + rh) * W + rw);
        setResultGrid(eD, eH, eW);
        for (let group = 0; group < groups; group++)
          correlate(
            dy + (<usize>(group * perGroup * size) << 2),
            dy,
            end,
            w + (<usize>(group * perGroup * rows * volume) << 2),
            absent,
            dx + (<usize>(group * rows * plane) << 2),
            scratch,
            rows,
            batch * eD * eH * eW,
            perGroup,
            <usize>size << 2,
            volume,
            rows * volume,
            <usize>plane << 2,
          );
      }
    }
  }
}

/** Columns whose patches are packed in one walk over the positions. */
const columnRun: i32 = 32;

let rangeBegin: usize = 0;
let rangeEnd: usize = 0;

/** Four positions of one (channel, tap), zero where they lie outside. */
// @ts-ignore: decorator
@inline
function loadPositions(
  channel: usize,
  base: v128,
  d: v128,
  h: v128,
  w: v128,
  inRow: bool,
  sd: i32,
  sh: i32,
  sw: i32,
): v128 {
  const mask = insideMask(d, h, w, sd, sh, sw);
  const shift = (sd * sourceH + sh) * sourceW + sw;
  if (inRow) {
    const p = channel + (<usize>(i32x4.extract_lane(base, 0) + shift) << 2);
    if (p >= rangeBegin && p < rangeEnd && p + 16 <= rangeEnd) return v128.and(mask, v128.load(p));
  }
  const at = v128.and(mask, i32x4.add(base, i32x4.splat(shift)));
  let x = v128.load32_zero(channel + (<usize>i32x4.extract_lane(at, 0) << 2));
  x = v128.load_lane<f32>(channel + (<usize>i32x4.extract_lane(at, 1) << 2), x, 1);
  x = v128.load_lane<f32>(channel + (<usize>i32x4.extract_lane(at, 2) << 2), x, 2);
  x = v128.load_lane<f32>(channel + (<usize>i32x4.extract_lane(at, 3) << 2), x, 3);
  return v128.and(mask, x);
}

/** The (channel, tap) that `nextColumn` returns next. */
let columnChannel: usize = 0;
let columnD: i32 = 0;
let columnH: i32 = 0;
let columnW: i32 = 0;

/**
 * Packs the transposed patches: columns are (channel, tap) tap0 .. tap0 + count, rows the positions first .. first + depth
 * of the batch.
 */
function packPatchRows(
  to: usize,
  image: usize,
  channelBytes: usize,
  tap0: i32,
  count: i32,
  first: i32,
  depth: i32,
  kD: i32,
  kH: i32,
  kW: i32,
  dD: i32,
  dH: i32,
  dW: i32,
): void {
  for (let c0 = 0; c0 < count; c0 += columnRun, to += (<usize>depth * columnRun) << 2) {
    let rest = tap0 + c0;
    const w0 = (rest % kW) * dW;
    rest /= kW;
    const h0 = (rest % kH) * dH;
    rest /= kH;
    const d0 = (rest % kD) * dD;
    const channel0 = image + <usize>(rest / kD) * channelBytes;
    const run = min(columnRun, count - c0);
    seek(first);
    for (let p = 0; p < depth; p += 4) {
      const lanes = depth - p;
      takeQuad(lanes);
      const base = quadBase;
      const d = quadD;
      const h = quadH;
      const w = quadW;
      const inRow = consecutive(base);
      let panel = to + (<usize>p << 5);
      columnChannel = channel0;
      columnD = d0;
      columnH = h0;
      columnW = w0;
      for (let c = 0; c < run; c += 4) {
        let x0 = f32x4.splat(0);
        let x1 = x0;
        let x2 = x0;
        let x3 = x0;
        x0 = loadPositions(columnChannel, base, d, h, w, inRow, columnD, columnH, columnW);
        nextColumn(channelBytes, kD * dD, kH * dH, kW * dW, dD, dH, dW);
        if (c + 1 < run) {
          x1 = loadPositions(columnChannel, base, d, h, w, inRow, columnD, columnH, columnW);
          nextColumn(channelBytes, kD * dD, kH * dH, kW * dW, dD, dH, dW);
        }
        if (c + 2 < run) {
          x2 = loadPositions(columnChannel, base, d, h, w, inRow, columnD, columnH, columnW);
          nextColumn(channelBytes, kD * dD, kH * dH, kW * dW, dD, dH, dW);
        }
        if (c + 3 < run) {
          x3 = loadPositions(columnChannel, base, d, h, w, inRow, columnD, columnH, columnW);
          nextColumn(channelBytes, kD * dD, kH * dH, kW * dW, dD, dH, dW);
        }
        storePositions(panel, lanes, x0, x1, x2, x3);
        if (c & 4) panel += (<usize>depth << 5) - 16;
        else {
          if (c + 4 >= run) storePositions(panel + 16, lanes, f32x4.splat(0), f32x4.splat(0), f32x4.splat(0), f32x4.splat(0));
          panel += 16;
        }
      }
    }
  }
}

// @ts-ignore: decorator
@inline
function nextColumn(channelBytes: usize, endD: i32, endH: i32, endW: i32, dD: i32, dH: i32, dW: i32): void {
  columnW += dW;
  if (columnW == endW) {
    columnW = 0;
    columnH += dH;
    if (columnH == endH) {
      columnH = 0;
      columnD += dD;
      if (columnD == endD) {
        columnD = 0;
        columnChannel += channelBytes;
      }
    }
  }
}

// @ts-ignore: decorator
@inline
function storePositions(to: usize, lanes: i32, x0: v128, x1: v128, x2: v128, x3: v128): void {
  if (lanes >= 4) storeTransposed(to, 32, x0, x1, x2, x3);
  else {
    const t0 = v128.shuffle<f32>(x0, x1, 0, 4, 1, 5);
    const t2 = v128.shuffle<f32>(x2, x3, 0, 4, 1, 5);
    v128.store(to, v128.shuffle<f32>(t0, t2, 0, 1, 4, 5));
    if (lanes > 1) v128.store(to + 32, v128.shuffle<f32>(t0, t2, 2, 3, 6, 7));
    if (lanes > 2) {
      const t1 = v128.shuffle<f32>(x0, x1, 2, 6, 3, 7);
      const t3 = v128.shuffle<f32>(x2, x3, 2, 6, 3, 7);
      v128.store(to + 64, v128.shuffle<f32>(t1, t3, 0, 1, 4, 5));
    }
  }
}

/** Packs `count` channels at positions first .. first + depth of the batch into panels of 4 rows. */
function packPositions(to: usize, from: usize, count: i32, first: i32, depth: i32, size: i32, imageBytes: usize): void {
  const across = <usize>size << 2;
  for (let r = 0; r < count; r += 4, from += 4 * across) {
    let n = first / size;
    let start = first - n * size;
    for (let p = 0; p < depth; ) {
      const run = min(depth - p, size - start);
      packRows(to, from + <usize>n * imageBytes + (<usize>start << 2), min(4, count - r), run, across, 4);
      to += <usize>run << 4;
      p += run;
      start = 0;
      n++;
    }
  }
}

/** dw = sum over batch and positions of dy times the patches of x. */
export function convGradWeight(
  x: usize,
  dy: usize,
  dw: usize,
  scratch: usize,
  batch: i32,
  channels: i32,
  filters: i32,
  groups: i32,
  D: i32,
  H: i32,
  W: i32,
  kD: i32,
  kH: i32,
  kW: i32,
  oD: i32,
  oH: i32,
  oW: i32,
  sD: i32,
  sH: i32,
  sW: i32,
  pD: i32,
  pH: i32,
  pW: i32,
  dD: i32,
  dH: i32,
  dW: i32,
): void {
  const size = oD * oH * oW;
  const plane = D * H * W;
  const perGroup = channels / groups;
  const rows = filters / groups;
  const columns = perGroup * kD * kH * kW;
  const inner = batch * size;
  const stride = <usize>columns << 2;
  if (inner == 0 || plane == 0) {
    memory.fill(dw, 0, <usize>filters * stride);
    return;
  }
  if (perGroup == 1 && rows < directFilters) {
    convDepthwiseGradWeight(
      x, dy, dw, batch, channels, filters,
      D, H, W, kD, kH, kW, oD, oH, oW, sD, sH, sW, pD, pH, pW, dD, dH, dW,
    );
    return;
  }
  setGrid(oD, oH, oW);
  setSteps(sD, sH, sW);
  setStarts(-pD, -pH, -pW);
  setSource(D, H, W, channels * plane);
  rangeBegin = x;
  rangeEnd = x + (<usize>(batch * channels * plane) << 2);
  const imageBytes = <usize>(filters * size) << 2;
  const left = scratch + packedColumnsBytes(columns, inner);
  for (let group = 0; group < groups; group++) {
    const image = x + (<usize>(group * perGroup * plane) << 2);
    const to = dw + <usize>(group * rows) * stride;
    for (let jc = 0; jc < columns; jc += columnBlock) {
      const nc = min(columnBlock, columns - jc);
      for (let pc = 0; pc < inner; pc += depthBlock) {
        const kc = min(depthBlock, inner - pc);
        packPatchRows(scratch, image, <usize>plane << 2, jc, nc, pc, kc, kD, kH, kW, dD, dH, dW);
        for (let ic = 0; ic < rows; ic += rowBlock) {
          const mc = min(rowBlock, rows - ic);
          packPositions(left, dy + (<usize>((group * rows + ic) * size) << 2), mc, pc, kc, size, imageBytes);
          let right = scratch;
          let c = to + <usize>ic * stride + (<usize>jc << 2);
          for (let j = 0; j < nc; j += 8, right += <usize>kc << 5, c += 32) {
            let panel = left;
            let block = c;
            for (let i = 0; i < mc; i += 4, panel += <usize>kc << 4, block += 4 * stride)
              multiplyBlock(panel, right, kc, block, stride, mc - i, nc - j, pc != 0);
          }
        }
      }
    }
  }
}
