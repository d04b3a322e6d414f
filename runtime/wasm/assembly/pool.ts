/**
 * Pooling by means and the gradients of pooling, four windows of a row at a time; max-pool.ts has the maxima. Geometry
 * as in runtime/kernels/pool.ts, with the batch's planes first.
 */
import { firstLanes, splat, storeLanes } from './vector';
import { endInside, firstInside } from './window';

/** What is made of a window: the index of its largest element, or the mean. */
const ARG_MAX: i32 = 0;
const MEAN: i32 = 1;

/**
 * Sum of each of four windows, or the index of its largest element within the plane, -1 if the window is empty. A lane
 * outside the image counts as zero.
 */
let total: v128 = splat(0);
let bestAt: v128 = i32x4.splat(-1);

/** The rows of the windows at hand: first row of the plane and half-open ranges of taps along depth and height. */
let planeAt: usize = 0;
let extentH: i32 = 0;
let extentW: i32 = 0;
let firstD: i32 = 0;
let d0: i32 = 0;
let d1: i32 = 0;
let stepD: i32 = 0;
let firstH: i32 = 0;
let h0: i32 = 0;
let h1: i32 = 0;
let stepH: i32 = 0;

/**
 * Reads the windows whose columns start at `at`, `stride` apart, with `taps` taps `step` apart. `inside` tells that no
 * lane leaves the row.
 */
// @ts-ignore: decorator
@inline
function readWindows(kind: i32, at: i32, stride: i32, taps: i32, step: i32, lanes: v128, inside: bool): void {
  let top = splat(kind == MEAN ? 0 : f32.NEGATIVE_INFINITY);
  let topAt = i32x4.splat(-1);
  const columns = i32x4.add(i32x4.splat(at), i32x4.mul(i32x4.splat(stride), i32x4(0, 1, 2, 3)));
  const s = (<usize>stride) << 2;
  for (let kd = d0; kd < d1; kd++)
    for (let kh = h0; kh < h1; kh++) {
      const start = ((firstD + kd * stepD) * extentH + firstH + kh * stepH) * extentW;
      const row = planeAt + ((<usize>start) << 2);
      for (let kw = 0; kw < taps; kw++) {
        const shift = kw * step;
        let value: v128;
        let mask = lanes;
        if (inside) {
          const p = row + ((<usize>(at + shift)) << 2);
          if (stride == 1) value = v128.load(p);
          else if (stride == 2) value = v128.shuffle<f32>(v128.load(p), v128.load(p, 16), 0, 2, 4, 6);
          else {
            value = v128.load32_zero(p);
            value = v128.load_lane<f32>(p + s, value, 1);
            value = v128.load_lane<f32>(p + 2 * s, value, 2);
            value = v128.load_lane<f32>(p + 3 * s, value, 3);
          }
        } else {
          const at4 = i32x4.add(columns, i32x4.splat(shift));
          mask = v128.and(lanes, i32x4.lt_u(at4, i32x4.splat(extentW)));
          const i = v128.and(mask, at4);
          value = v128.load32_zero(row + ((<usize>i32x4.extract_lane(i, 0)) << 2));
          value = v128.load_lane<f32>(row + ((<usize>i32x4.extract_lane(i, 1)) << 2), value, 1);
          value = v128.load_lane<f32>(row + ((<usize>i32x4.extract_lane(i, 2)) << 2), value, 2);
          value = v128.load_lane<f32>(row + ((<usize>i32x4.extract_lane(i, 3)) << 2), value, 3);
          value = kind == MEAN ? v128.and(value, mask) : v128.bitselect(value, splat(f32.NEGATIVE_INFINITY), mask);
        }
        if (kind == MEAN) top = f32x4.add(top, value);
        else {
          // The first of equals; the first tap even if it is minus infinity; a NaN beats everything.
          let take = v128.or(f32x4.gt(value, top), f32x4.ne(value, value));
          take = v128.and(mask, v128.or(take, i32x4.lt_s(topAt, i32x4.splat(0))));
          const here = i32x4.add(columns, i32x4.splat(start + shift));
          topAt = v128.bitselect(here, topAt, take);
          top = v128.bitselect(value, top, take);
        }
      }
    }
  total = top;
  bestAt = topAt;
}

/** Elements along an axis by which a window is averaged: those inside the image, or with the pads after it. */
// @ts-ignore: decorator
@inline
function counted(start: i32, step: i32, extent: i32, taps: i32, after: i32, includePad: i32): i32 {
  if (includePad) return endInside(start, step, extent + after, taps);
  return max(0, endInside(start, step, extent, taps) - firstInside(start, step));
}

// @ts-ignore: decorator
@inline
function walkWindows(
  kind: i32,
  x: usize,
  y: usize,
  dx: usize,
  includePad: i32,
  planes: i32,
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
  eD: i32,
  eH: i32,
  eW: i32,
): void {
  const plane = (<usize>(D * H * W)) << 2;
  planeAt = x;
  extentH = H;
  extentW = W;
  stepD = dD;
  stepH = dH;
  const reach = (kW - 1) * dW + (sW == 2 ? 7 : 3 * sW);
  for (let c = 0; c < planes; c++, planeAt += plane, dx += plane)
    for (let od = 0; od < oD; od++) {
      firstD = od * sD - pD;
      d0 = firstInside(firstD, dD);
      d1 = endInside(firstD, dD, D, kD);
      for (let oh = 0; oh < oH; oh++) {
        firstH = oh * sH - pH;
        h0 = firstInside(firstH, dH);
        h1 = endInside(firstH, dH, H, kH);
        let rows = 0;
        if (kind == MEAN)
          rows = counted(firstD, dD, D, kD, eD, includePad) * counted(firstH, dH, H, kH, eH, includePad);
        for (let ow = 0; ow < oW; ow += 4) {
          const at = ow * sW - pW;
          const count = oW - ow;
          const inside = at >= 0 && at + reach < W && count >= 4;
          if (inside) readWindows(kind, at, sW, kW, dW, i32x4.splat(-1), true);
          else readWindows(kind, at, sW, kW, dW, firstLanes(count), false);
          if (kind == MEAN) {
            let n = i32x4.splat(rows * kW);
            if (!inside) {
              n = i32x4.splat(rows * counted(at, dW, W, kW, eW, includePad));
              n = i32x4.replace_lane(n, 1, rows * counted(at + sW, dW, W, kW, eW, includePad));
              n = i32x4.replace_lane(n, 2, rows * counted(at + sW * 2, dW, W, kW, eW, includePad));
              n = i32x4.replace_lane(n, 3, rows * counted(at + sW * 3, dW, W, kW, eW, includePad));
            }
            const mean = f32x4.div(total, f32x4.convert_i32x4_s(n));
            storeLanes(y, count, v128.and(mean, i32x4.ne(n, i32x4.splat(0))));
          } else
            for (let lane = 0; lane < min(count, 4); lane++) {
              let i = i32x4.extract_lane(bestAt, 0);
              if (lane == 1) i = i32x4.extract_lane(bestAt, 1);
              else if (lane == 2) i = i32x4.extract_lane(bestAt, 2);
              else if (lane == 3) i = i32x4.extract_lane(bestAt, 3);
              if (i < 0) continue;
              const p = dx + ((<usize>i) << 2);
              store<f32>(p, load<f32>(p) + load<f32>(y + ((<usize>lane) << 2)));
            }
          y += (<usize>min(count, 4)) << 2;
        }
      }
    }
}

// Geometries are handed on number by number: one line each.
/** dx: each dy goes to its window's largest element, found again in x. */
export function maxPoolGrad(
  dy: usize,
  x: usize,
  dx: usize,
  planes: i32,
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
  memory.fill(dx, 0, (<usize>(planes * D * H * W)) << 2);
  walkWindows(
    ARG_MAX, x, dy, dx, 0, planes, D, H, W, kD, kH, kW, oD, oH, oW, sD, sH, sW, pD, pH, pW, dD, dH, dW, 0, 0, 0,
  );
}

/** out = mean of each window; `includePad` counts the pads as zeros. An empty window gives 0. */
export function averagePool(
  x: usize,
  out: usize,
  includePad: i32,
  planes: i32,
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
  eD: i32,
  eH: i32,
  eW: i32,
): void {
  walkWindows(
    MEAN, x, out, 0, includePad,
    planes, D, H, W, kD, kH, kW, oD, oH, oW, sD, sH, sW, pD, pH, pW, dD, dH, dW, eD, eH, eW,
  );
}

/** Adds x to `taps` elements of a row, `step` bytes apart. */
// @ts-ignore: decorator
@inline
function addAlong(p: usize, step: usize, taps: i32, x: f32): void {
  if (step == 4) {
    const share = splat(x);
    for (; taps >= 4; taps -= 4, p += 16) v128.store(p, f32x4.add(v128.load(p), share));
  }
  for (; taps > 0; taps--, p += step) store<f32>(p, load<f32>(p) + x);
}

/** dx: each dy is spread over its window. */
export function averagePoolGrad(
  dy: usize,
  dx: usize,
  includePad: i32,
  planes: i32,
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
  eD: i32,
  eH: i32,
  eW: i32,
): void {
  const plane = (<usize>(D * H * W)) << 2;
  const step = (<usize>dW) << 2;
  memory.fill(dx, 0, <usize>planes * plane);
  for (let c = 0; c < planes; c++, dx += plane)
    for (let od = 0; od < oD; od++) {
      const atD = od * sD - pD;
      const countD = counted(atD, dD, D, kD, eD, includePad);
      const endD = endInside(atD, dD, D, kD);
      for (let oh = 0; oh < oH; oh++) {
        const atH = oh * sH - pH;
        const rows = countD * counted(atH, dH, H, kH, eH, includePad);
        const endH = endInside(atH, dH, H, kH);
        for (let ow = 0; ow < oW; ow++, dy += 4) {
          const atW = ow * sW - pW;
          const count = rows * counted(atW, dW, W, kW, eW, includePad);
          if (count == 0) continue;
          const share = load<f32>(dy) / <f32>count;
          const first = firstInside(atW, dW);
          const taps = endInside(atW, dW, W, kW) - first;
          for (let kd = firstInside(atD, dD); kd < endD; kd++)
            for (let kh = firstInside(atH, dH); kh < endH; kh++) {
              const row = ((atD + kd * dD) * H + atH + kh * dH) * W + atW + first * dW;
              addAlong(dx + ((<usize>row) << 2), step, taps, share);
            }
        }
      }
    }
}
