/**
 * Largest elements of sliding windows, four windows of a row at a time. Geometry as in runtime/kernels/pool.ts. The
 * windows' rows are reduced to one before their columns are, which neighbouring taps share.
 */
import { splat } from './vector';
import { endInside, firstInside } from './window';

/** The rows of the windows at hand: their numbers along depth and height, and bytes from row to row along each. */
let slices: i32 = 0;
let stepD: usize = 0;
let rows: i32 = 0;
let stepH: usize = 0;

/** Where the lanes of a load lie: side by side, every other element, any stride apart; or one lane, for one window. */
const FOUR: i32 = 0;
const EVEN: i32 = 1;
const SPREAD: i32 = 2;
const ONE: i32 = 3;

/** All ones, which is a NaN, where x is NaN: the pseudo-maximum, of one instruction, forgets NaNs it has seen. */
// @ts-ignore: decorator
@inline
function nans(x: v128): v128 {
  return f32x4.ne(x, x);
}

// @ts-ignore: decorator
@inline
function load(lanes: i32, p: usize, stride: usize): v128 {
  if (lanes == FOUR) return v128.load(p);
  let x = v128.load32_zero(p);
  if (lanes == SPREAD) {
    x = v128.load_lane<f32>(p + stride, x, 1);
    x = v128.load_lane<f32>(p + 2 * stride, x, 2);
    x = v128.load_lane<f32>(p + 3 * stride, x, 3);
  }
  return x;
}

/**
 * Largest elements down the rows, of which the first is at `p`; NaN where there is one. `second` and `third` are the
 * bytes to the next rows, or to the first again where there are fewer; `more` tells whether there are others yet. Both
 * are handed on, not kept in globals, which would be read again for every load. `stride` is in bytes.
 */
// @ts-ignore: decorator
@inline
function topOfRows(lanes: i32, p: usize, stride: usize, second: usize, third: usize, more: bool): v128 {
  const a = load(lanes, p, stride);
  const b = load(lanes, p + second, stride);
  const c = load(lanes, p + third, stride);
  let top = f32x4.pmax(f32x4.pmax(a, b), c);
  let nan = v128.or(v128.or(nans(a), nans(b)), nans(c));
  // Small windows are done: a row taken twice changes nothing.
  if (more)
    for (let i = 0; i < slices; i++, p += stepD) {
      let row = p;
      for (let j = 0; j < rows; j++, row += stepH) {
        const x = load(lanes, row, stride);
        top = f32x4.pmax(top, x);
        nan = v128.or(nan, nans(x));
      }
    }
  return v128.or(top, nan);
}

/** Largest elements of four windows with first taps at `p`, all inside the row; taps are `step` elements apart. */
// @ts-ignore: decorator
@inline
function fourWindows(
  lanes: i32,
  p: usize,
  stride: i32,
  taps: i32,
  step: i32,
  second: usize,
  third: usize,
  more: bool,
): v128 {
  let top = splat(f32.NEGATIVE_INFINITY);
  let nan = i32x4.splat(0);
  let even = top;
  for (let k = 0; k < taps; k++, p += (<usize>step) << 2) {
    let x: v128;
    if (lanes == EVEN) {
      if (step == 1 && k + 1 < taps) {
        const low = topOfRows(FOUR, p, 0, second, third, more);
        const high = topOfRows(FOUR, p + 16, 0, second, third, more);
        even = v128.shuffle<f32>(low, high, 0, 2, 4, 6);
        // The odd elements are those of the next tap.
        const odd = v128.shuffle<f32>(low, high, 1, 3, 5, 7);
        top = f32x4.pmax(top, odd);
        nan = v128.or(nan, nans(odd));
        k++;
        p += 4;
        x = even;
      } else {
        // Elements 0, 2, 4 and 6 without a look at element 7, which may lie outside.
        const high = topOfRows(FOUR, p + 12, 0, second, third, more);
        if (step == 1 && k > 0) x = v128.shuffle<f32>(even, high, 1, 2, 3, 7);
        else x = v128.shuffle<f32>(topOfRows(FOUR, p, 0, second, third, more), high, 0, 2, 5, 7);
      }
    } else x = topOfRows(lanes, p, (<usize>stride) << 2, second, third, more);
    top = f32x4.pmax(top, x);
    nan = v128.or(nan, nans(x));
  }
  return v128.or(top, nan);
}

/** Largest element of the window whose first tap is at column `at`, perhaps outside, of the row at `row`. */
function edgeWindow(
  row: usize,
  at: i32,
  extent: i32,
  taps: i32,
  step: i32,
  second: usize,
  third: usize,
  more: bool,
): f32 {
  let top = f32.NEGATIVE_INFINITY;
  const end = endInside(at, step, extent, taps);
  for (let k = firstInside(at, step); k < end; k++) {
    const p = row + ((<usize>(at + k * step)) << 2);
    top = max(top, f32x4.extract_lane(topOfRows(ONE, p, 0, second, third, more), 0));
  }
  return top;
}

/** out = largest element of each window; padding counts as minus infinity. */
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
      const firstD = firstInside(atD, dD);
      slices = endInside(atD, dD, D, kD) - firstD;
      for (let oh = 0; oh < oH; oh++, out += (<usize>oW) << 2) {
        const atH = oh * sH - pH;
        const firstH = firstInside(atH, dH);
        rows = endInside(atH, dH, H, kH) - firstH;
        if (slices <= 0 || rows <= 0) {
          for (let ow = 0; ow < oW; ow++) store<f32>(out + ((<usize>ow) << 2), f32.NEGATIVE_INFINITY);
          continue;
        }
        const second = rows > 1 ? stepH : 0;
        const third = rows > 2 ? 2 * stepH : 0;
        const more = rows > 3 || slices > 1;
        const row = x + <usize>(atD + firstD * dD) * slice + <usize>(atH + firstH * dH) * width;
        let ow = 0;
        for (; ow < begin; ow++) {
          const top = edgeWindow(row, ow * sW - pW, W, kW, dW, second, third, more);
          store<f32>(out + ((<usize>ow) << 2), top);
        }
        if (end - begin >= 4)
          while (ow < end) {
            // The last four windows may be in part those before them.
            const at = min(ow, end - 4);
            const p = row + ((<usize>(at * sW - pW)) << 2);
            let y: v128;
            if (sW == 1) y = fourWindows(FOUR, p, 1, kW, dW, second, third, more);
            else if (sW == 2) y = fourWindows(EVEN, p, 2, kW, dW, second, third, more);
            else y = fourWindows(SPREAD, p, sW, kW, dW, second, third, more);
            v128.store(out + ((<usize>at) << 2), y);
            ow = at + 4;
          }
        for (; ow < oW; ow++) {
          const top = edgeWindow(row, ow * sW - pW, W, kW, dW, second, third, more);
          store<f32>(out + ((<usize>ow) << 2), top);
        }
      }
    }
}
