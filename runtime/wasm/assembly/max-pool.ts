/**
 * Largest elements of sliding windows, four windows of a row at a time. Geometry as in runtime/kernels/pool.ts. The
 * windows' rows are reduced to one before their columns are, which neighbouring taps share.
 */
import { splat } from './vector';
import { endInside, firstInside } from './window';

/** The rows of the windows at hand: half-open ranges of taps along depth and height, and bytes from tap to tap. */
let d0: i32 = 0;
let d1: i32 = 0;
let stepD: usize = 0;
let h0: i32 = 0;
let h1: i32 = 0;
let stepH: usize = 0;

/** Where the lanes of a load lie: side by side, every other element, any stride apart; or one lane, for one window. */
const FOUR: i32 = 0;
const EVEN: i32 = 1;
const SPREAD: i32 = 2;
const ONE: i32 = 3;

/** All ones, which is a NaN, where x is NaN: the pseudo-maximum is one instruction but forgets NaNs it has seen. */
// @ts-ignore: decorator
@inline
function nans(x: v128): v128 {
  return f32x4.ne(x, x);
}

/** Largest elements down the rows at `p`; NaN where there is one. `stride` is in bytes. */
// @ts-ignore: decorator
@inline
function topOfRows(lanes: i32, p: usize, stride: usize): v128 {
  let top = splat(f32.NEGATIVE_INFINITY);
  let nan = i32x4.splat(0);
  let slice = p + <usize>d0 * stepD + <usize>h0 * stepH;
  for (let kd = d0; kd < d1; kd++, slice += stepD) {
    let row = slice;
    for (let kh = h0; kh < h1; kh++, row += stepH) {
      let x = lanes == FOUR ? v128.load(row) : v128.load32_zero(row);
      if (lanes == SPREAD) {
        x = v128.load_lane<f32>(row + stride, x, 1);
        x = v128.load_lane<f32>(row + 2 * stride, x, 2);
        x = v128.load_lane<f32>(row + 3 * stride, x, 3);
      }
      top = f32x4.pmax(top, x);
      nan = v128.or(nan, nans(x));
    }
  }
  return v128.or(top, nan);
}

/** Largest elements of four windows with first taps at `p`, all inside the row; taps are `step` elements apart. */
// @ts-ignore: decorator
@inline
function fourWindows(lanes: i32, p: usize, stride: i32, taps: i32, step: i32): v128 {
  let top = splat(f32.NEGATIVE_INFINITY);
  let nan = i32x4.splat(0);
  for (let k = 0; k < taps; k++, p += (<usize>step) << 2) {
    let x: v128;
    if (lanes == EVEN) {
      const low = topOfRows(FOUR, p, 0);
      if (step == 1 && k + 1 < taps) {
        // The odd elements are those of the next tap.
        const high = topOfRows(FOUR, p + 16, 0);
        const odd = v128.shuffle<f32>(low, high, 1, 3, 5, 7);
        x = v128.shuffle<f32>(low, high, 0, 2, 4, 6);
        top = f32x4.pmax(top, odd);
        nan = v128.or(nan, nans(odd));
        k++;
        p += 4;
      } else x = v128.shuffle<f32>(low, topOfRows(FOUR, p + 12, 0), 0, 2, 5, 7);
    } else x = topOfRows(lanes, p, (<usize>stride) << 2);
    top = f32x4.pmax(top, x);
    nan = v128.or(nan, nans(x));
  }
  return v128.or(top, nan);
}

/** Largest element of the window whose first tap is at column `at`, perhaps outside, of the row at `row`. */
function edgeWindow(row: usize, at: i32, extent: i32, taps: i32, step: i32): f32 {
  let top = f32.NEGATIVE_INFINITY;
  const end = endInside(at, step, extent, taps);
  for (let k = firstInside(at, step); k < end; k++) {
    const p = row + ((<usize>(at + k * step)) << 2);
    top = max(top, f32x4.extract_lane(topOfRows(ONE, p, 0), 0));
  }
  return top;
}

export function maxPool(
  x: usize,
  out: usize,
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
  const width = (<usize>W) << 2;
  const slice = <usize>H * width;
  stepD = <usize>dD * slice;
  stepH = <usize>dH * width;
  // Windows [begin, end) lie inside the row.
  const begin = min(oW, (pW + sW - 1) / sW);
  const room = W + pW - (kW - 1) * dW - 1;
  const end = max(begin, room < 0 ? 0 : min(oW, room / sW + 1));
  for (let c = 0; c < planes; c++, x += <usize>D * slice)
    for (let od = 0; od < oD; od++) {
      const atD = od * sD - pD;
      d0 = firstInside(atD, dD);
      d1 = endInside(atD, dD, D, kD);
      for (let oh = 0; oh < oH; oh++, out += (<usize>oW) << 2) {
        const atH = oh * sH - pH;
        h0 = firstInside(atH, dH);
        h1 = endInside(atH, dH, H, kH);
        const row = x + <usize>atD * slice + <usize>atH * width;
        let ow = 0;
        for (; ow < begin; ow++) store<f32>(out + ((<usize>ow) << 2), edgeWindow(row, ow * sW - pW, W, kW, dW));
        if (end - begin >= 4)
          while (ow < end) {
            // The last four windows may be in part those before them.
            const at = min(ow, end - 4);
            const p = row + ((<usize>(at * sW - pW)) << 2);
            let y: v128;
            if (sW == 1) y = fourWindows(FOUR, p, 1, kW, dW);
            else if (sW == 2) y = fourWindows(EVEN, p, 2, kW, dW);
            else y = fourWindows(SPREAD, p, sW, kW, dW);
            v128.store(out + ((<usize>at) << 2), y);
            ow = at + 4;
          }
        for (; ow < oW; ow++) store<f32>(out + ((<usize>ow) << 2), edgeWindow(row, ow * sW - pW, W, kW, dW));
      }
    }
}
