/**
 * Rows of depthwise convolutions, four positions at a time. Position i of a row and tap j meet at source column
 * i * step + start + j * shift; what lies outside the image is masked.
 */
import { sumLanes } from './vector';

/** The source row: extents along it, and the bytes of its tensor, within which whole vectors may be read. */
let width: i32 = 0;
let begin: usize = 0;
let end: usize = 0;

export function setRows(rowWidth: i32, rangeBegin: usize, rangeEnd: usize): void {
  width = rowWidth;
  begin = rangeBegin;
  end = rangeEnd;
}

// @ts-ignore: decorator
@inline
function loadStrided(p: usize, step: i32): v128 {
  if (step == 1) return v128.load(p);
  if (step == 2) return v128.shuffle<f32>(v128.load(p), v128.load(p, 16), 0, 2, 4, 6);
  const s = (<usize>step) << 2;
  let x = v128.load32_zero(p);
  x = v128.load_lane<f32>(p + s, x, 1);
  x = v128.load_lane<f32>(p + 2 * s, x, 2);
  return v128.load_lane<f32>(p + 3 * s, x, 3);
}

/** All ones in the lanes whose column lies inside the row: `at`, `step` apart. */
// @ts-ignore: decorator
@inline
function insideRow(at: i32, step: i32): v128 {
  return i32x4.lt_u(columnsFrom(at, step), i32x4.splat(width));
}

// @ts-ignore: decorator
@inline
function columnsFrom(at: i32, step: i32): v128 {
  return i32x4.add(i32x4.splat(at), i32x4.mul(i32x4.splat(step), i32x4(0, 1, 2, 3)));
}

/** Four elements from column `at`, `step` apart; anything in the lanes outside `mask`. */
function loadInside(row: usize, at: i32, step: i32, mask: v128): v128 {
  if (step <= 2) {
    const p = row + ((<usize>at) << 2);
    if (p >= begin && p < end && p + 32 <= end) return loadStrided(p, step);
  }
  const i = v128.and(mask, columnsFrom(at, step));
  let x = v128.load32_zero(row + ((<usize>i32x4.extract_lane(i, 0)) << 2));
  x = v128.load_lane<f32>(row + ((<usize>i32x4.extract_lane(i, 1)) << 2), x, 1);
  x = v128.load_lane<f32>(row + ((<usize>i32x4.extract_lane(i, 2)) << 2), x, 2);
  return v128.load_lane<f32>(row + ((<usize>i32x4.extract_lane(i, 3)) << 2), x, 3);
}

/** y times four elements of a row, zero in the lanes outside it or outside `lanes`. */
// @ts-ignore: decorator
@inline
function productInside(y: v128, row: usize, at: i32, step: i32, lanes: v128): v128 {
  const mask = v128.and(lanes, insideRow(at, step));
  return v128.and(mask, f32x4.mul(y, loadInside(row, at, step, mask)));
}

// @ts-ignore: decorator
@inline
function storeStrided(to: usize, step: i32, lanes: i32, x: v128): void {
  if (step == 1 && lanes >= 4) {
    v128.store(to, x);
    return;
  }
  const s = (<usize>step) << 2;
  v128.store_lane<f32>(to, x, 0);
  if (lanes > 1) v128.store_lane<f32>(to + s, x, 1);
  if (lanes > 2) v128.store_lane<f32>(to + 2 * s, x, 2);
  if (lanes > 3) v128.store_lane<f32>(to + 3 * s, x, 3);
}

// @ts-ignore: decorator
@inline
function loadResult(from: usize, step: i32, lanes: i32): v128 {
  if (step == 1 && lanes >= 4) return v128.load(from);
  const s = (<usize>step) << 2;
  let x = v128.load32_zero(from);
  if (lanes > 1) x = v128.load_lane<f32>(from + s, x, 1);
  if (lanes > 2) x = v128.load_lane<f32>(from + 2 * s, x, 2);
  if (lanes > 3) x = v128.load_lane<f32>(from + 3 * s, x, 3);
  return x;
}

/**
 * out[i * outStep] += sum over tap rows and taps of weight times source, i < count. `source` is the row under tap row
 * 0; tap rows are `rowShift` bytes apart in the source and `rowWeight` in the filter, taps `tapWeight`.
 */
export function addRow(
  out: usize,
  outStep: i32,
  count: i32,
  source: usize,
  rowShift: usize,
  rows: i32,
  step: i32,
  start: i32,
  shift: i32,
  taps: i32,
  weights: usize,
  rowWeight: usize,
  tapWeight: usize,
): void {
  const reach = (taps - 1) * shift;
  const low = start + min(0, reach);
  const high = start + max(0, reach);
  const outBytes = (<usize>outStep) << 2;
  // Positions first .. last see whole taps; a strided vector reads up to the end of its last step.
  const first = low >= 0 ? 0 : (-low + step - 1) / step;
  const tail = step == 2 ? 7 : 3 * step;
  let i = 0;
  while (i < count) {
    if (i >= first && i * step + high + tail < width) {
      const n = min((width - tail - high + step - 1) / step, count - 3);
      if (i < n) {
        for (; i < n; i += 4) {
          const to = out + <usize>i * outBytes;
          let sum = loadResult(to, outStep, 4);
          let row = source + ((<usize>(i * step + start)) << 2);
          let w = weights;
          for (let r = 0; r < rows; r++, row += rowShift, w += rowWeight) {
            let p = row;
            let tap = w;
            for (let t = 0; t < taps; t++, p += (<usize>shift) << 2, tap += tapWeight)
              sum = f32x4.add(sum, f32x4.mul(v128.load_splat<f32>(tap), loadStrided(p, step)));
          }
          storeStrided(to, outStep, 4, sum);
        }
        continue;
      }
    }
    const to = out + <usize>i * outBytes;
    let sum = loadResult(to, outStep, count - i);
    let row = source;
    let w = weights;
    for (let r = 0; r < rows; r++, row += rowShift, w += rowWeight) {
      let at = i * step + start;
      let tap = w;
      for (let t = 0; t < taps; t++, at += shift, tap += tapWeight)
        sum = f32x4.add(sum, productInside(v128.load_splat<f32>(tap), row, at, step, i32x4.splat(-1)));
    }
    storeStrided(to, outStep, count - i, sum);
    i += 4;
  }
}

/** Sums for three neighbouring taps, carried from row to row. */
let sum0: v128 = f32x4.splat(0);
let sum1: v128 = f32x4.splat(0);
let sum2: v128 = f32x4.splat(0);

export function clearSums(): void {
  sum0 = f32x4.splat(0);
  sum1 = sum0;
  sum2 = sum0;
}

/** Sum of the lanes of sum 0, 1 or 2. */
export function sumOf(tap: i32): f64 {
  return <f64>sumLanes(tap == 0 ? sum0 : tap == 1 ? sum1 : sum2);
}

/** Adds dy[i] * x[i * step + at + j * shift] to sum j, j < taps <= 3, over a row of `count` positions. */
export function addProducts(dy: usize, count: i32, row: usize, step: i32, at: i32, shift: i32, taps: i32): void {
  let s0 = sum0;
  let s1 = sum1;
  let s2 = sum2;
  const tail = step == 2 ? 7 : 3 * step;
  const high = at + (taps - 1) * shift;
  for (let i = 0; i < count; i += 4, dy += 16, at += 4 * step) {
    if (at >= 0 && i * step + high + tail < width && i + 4 <= count) {
      const y = v128.load(dy);
      const p = row + ((<usize>at) << 2);
      s0 = f32x4.add(s0, f32x4.mul(y, loadStrided(p, step)));
      if (taps > 1) s1 = f32x4.add(s1, f32x4.mul(y, loadStrided(p + ((<usize>shift) << 2), step)));
      if (taps > 2) s2 = f32x4.add(s2, f32x4.mul(y, loadStrided(p + ((<usize>(2 * shift)) << 2), step)));
    } else {
      let y: v128;
      if (i + 4 <= count) y = v128.load(dy);
      else {
        y = v128.load32_zero(dy);
        if (i + 1 < count) y = v128.load_lane<f32>(dy + 4, y, 1);
        if (i + 2 < count) y = v128.load_lane<f32>(dy + 8, y, 2);
      }
      const lanes = i32x4.lt_s(i32x4(0, 1, 2, 3), i32x4.splat(count - i));
      s0 = f32x4.add(s0, productInside(y, row, at, step, lanes));
      if (taps > 1) s1 = f32x4.add(s1, productInside(y, row, at + shift, step, lanes));
      if (taps > 2) s2 = f32x4.add(s2, productInside(y, row, at + 2 * shift, step, lanes));
    }
  }
  sum0 = s0;
  sum1 = s1;
  sum2 = s2;
}
