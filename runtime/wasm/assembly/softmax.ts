/**
 * Softmax and its logarithm over the middle dimension of [outer, extent, inner], and their gradients. In place or not.
 * A row whose gradient is 0 all along has gradient 0. Where `inner` is 1 a row is walked four elements at a time, otherwise four rows lie side by side in the lanes.
 */
import { exp, expNegative, log } from './math';
import { isZeroRow, sumProducts, sumRow, topRow } from './rows';
import { firstLanes, floats, highDoubles, loadLanes, lowDoubles, splat, storeLanes, sumDoubles } from './vector';

/**
 * Sum of exp(x - shift) over a row, for shifts no less than its elements; `stores` tells whether its terms are kept at
 * `out`. Four terms are added in single precision, these sums in double.
 */
// @ts-ignore: decorator
@inline
function expRow(stores: bool, x: usize, out: usize, count: i32, shift: f32): f64 {
  const s = splat(shift);
  let s0 = f64x2.splat(0);
  let s1 = s0;
  for (; count >= 16; count -= 16, x += 64, out += 64) {
    const e0 = expNegative(f32x4.sub(v128.load(x), s));
    const e1 = expNegative(f32x4.sub(v128.load(x, 16), s));
    const e2 = expNegative(f32x4.sub(v128.load(x, 32), s));
    const e3 = expNegative(f32x4.sub(v128.load(x, 48), s));
    if (stores) {
      v128.store(out, e0);
      v128.store(out, e1, 16);
      v128.store(out, e2, 32);
      v128.store(out, e3, 48);
    }
    const e = f32x4.add(f32x4.add(e0, e1), f32x4.add(e2, e3));
    s0 = f64x2.add(s0, lowDoubles(e));
    s1 = f64x2.add(s1, highDoubles(e));
  }
  for (; count > 0; count -= 4, x += 16, out += 16) {
    let e = expNegative(f32x4.sub(loadLanes(x, count), s));
    if (stores) storeLanes(out, count, e);
    if (count < 4) e = v128.and(e, firstLanes(count));
    s0 = f64x2.add(s0, lowDoubles(e));
    s1 = f64x2.add(s1, highDoubles(e));
  }
  return sumDoubles(f64x2.add(s0, s1));
}

/** Sum of exp(x - shift) over a row, for shifts no less than its elements. */
export function sumExpRow(x: usize, count: i32, shift: f32): f64 {
  return expRow(false, x, 0, count, shift);
}

/** Largest elements down four columns, as `topRow` has them. */
export function topLanes(x: usize, extent: i32, step: usize, count: i32): v128 {
  let m = splat(f32.NEGATIVE_INFINITY);
  for (let k = 0; k < extent; k++, x += step) m = f32x4.pmax(m, loadLanes(x, count));
  return m;
}

/** Sums of exp(x - shift) down four columns, for shifts no less than their elements. */
export function sumExpLanes(x: usize, extent: i32, step: usize, count: i32, shift: v128): v128 {
  let s0 = f64x2.splat(0);
  let s1 = s0;
  for (let k = 0; k < extent; k++, x += step) {
    const e = expNegative(f32x4.sub(loadLanes(x, count), shift));
    s0 = f64x2.add(s0, lowDoubles(e));
    s1 = f64x2.add(s1, highDoubles(e));
  }
  return floats(s0, s1);
}

// @ts-ignore: decorator
@inline
function normalize(isMasked: bool, x: usize, out: usize, outer: i32, extent: i32, inner: i32): void {
  const step = (<usize>inner) << 2;
  const block = <usize>extent * step;
  for (let n = 0; n < outer; n++, x += block, out += block) {
    if (inner == 1) {
      const top = topRow(x, extent);
      const sum = expRow(true, x, out, extent, isMasked && top == f32.NEGATIVE_INFINITY ? 0 : top);
      const scale = splat(isMasked && sum == 0 ? 0 : <f32>(1 / sum));
      let p = out;
      let k = extent;
      for (; k >= 8; k -= 8, p += 32) {
        v128.store(p, f32x4.mul(v128.load(p), scale));
        v128.store(p, f32x4.mul(v128.load(p, 16), scale), 16);
      }
      for (; k > 0; k -= 4, p += 16) storeLanes(p, k, f32x4.mul(loadLanes(p, k), scale));
    } else
      for (let c = 0; c < inner; c += 4) {
        const from = x + ((<usize>c) << 2);
        const to = out + ((<usize>c) << 2);
        const count = inner - c;
        let m = topLanes(from, extent, step, count);
        if (isMasked) m = v128.andnot(m, f32x4.eq(m, splat(f32.NEGATIVE_INFINITY)));
        let s0 = f64x2.splat(0);
        let s1 = s0;
        for (let k = 0; k < extent; k++) {
          const at = <usize>k * step;
          const e = expNegative(f32x4.sub(loadLanes(from + at, count), m));
          storeLanes(to + at, count, e);
          s0 = f64x2.add(s0, lowDoubles(e));
          s1 = f64x2.add(s1, highDoubles(e));
        }
        const one = f64x2.splat(1);
        let scale = floats(f64x2.div(one, s0), f64x2.div(one, s1));
        if (isMasked) scale = v128.andnot(scale, f32x4.eq(floats(s0, s1), splat(0)));
        for (let k = 0; k < extent; k++) {
          const p = to + <usize>k * step;
          storeLanes(p, count, f32x4.mul(loadLanes(p, count), scale));
        }
      }
  }
}

export function softmax(x: usize, out: usize, outer: i32, extent: i32, inner: i32): void {
  normalize(false, x, out, outer, extent, inner);
}

/** Zeros for a row of nothing but minus infinity. */
export function maskedSoftmax(x: usize, out: usize, outer: i32, extent: i32, inner: i32): void {
  normalize(true, x, out, outer, extent, inner);
}

export function softmaxGrad(dy: usize, y: usize, dx: usize, outer: i32, extent: i32, inner: i32): void {
  const step = (<usize>inner) << 2;
  const block = <usize>extent * step;
  for (let n = 0; n < outer; n++, dy += block, y += block, dx += block) {
    if (inner == 1) {
      if (isZeroRow(dy, extent)) {
        memory.fill(dx, 0, block);
        continue;
      }
      const sum = splat(<f32>sumProducts(dy, y, extent, 0));
      for (let k = 0; k < extent; k += 4) {
        const at = (<usize>k) << 2;
        const g = f32x4.sub(loadLanes(dy + at, extent - k), sum);
        storeLanes(dx + at, extent - k, f32x4.mul(loadLanes(y + at, extent - k), g));
      }
    } else
      for (let c = 0; c < inner; c += 4) {
        const column = (<usize>c) << 2;
        const count = inner - c;
        let s0 = f64x2.splat(0);
        let s1 = s0;
        let read = splat(0);
        for (let k = 0; k < extent; k++) {
          const at = column + <usize>k * step;
          const g = loadLanes(dy + at, count);
          const p = loadLanes(y + at, count);
          read = v128.or(read, f32x4.ne(g, splat(0)));
          s0 = f64x2.add(s0, f64x2.mul(lowDoubles(g), lowDoubles(p)));
          s1 = f64x2.add(s1, f64x2.mul(highDoubles(g), highDoubles(p)));
        }
        const sum = floats(s0, s1);
        for (let k = 0; k < extent; k++) {
          const at = column + <usize>k * step;
          const g = f32x4.sub(loadLanes(dy + at, count), sum);
          storeLanes(dx + at, count, v128.and(read, f32x4.mul(loadLanes(y + at, count), g)));
        }
      }
  }
}

export function logSoftmax(x: usize, out: usize, outer: i32, extent: i32, inner: i32): void {
  const step = (<usize>inner) << 2;
  const block = <usize>extent * step;
  for (let n = 0; n < outer; n++, x += block, out += block) {
    if (inner == 1) {
      const top = topRow(x, extent);
      const m = splat(top);
      const shift = splat(f32x4.extract_lane(log(splat(<f32>sumExpRow(x, extent, top))), 0));
      for (let k = 0; k < extent; k += 4) {
        const at = (<usize>k) << 2;
        storeLanes(out + at, extent - k, f32x4.sub(f32x4.sub(loadLanes(x + at, extent - k), m), shift));
      }
    } else
      for (let c = 0; c < inner; c += 4) {
        const column = (<usize>c) << 2;
        const count = inner - c;
        const m = topLanes(x + column, extent, step, count);
        const shift = log(sumExpLanes(x + column, extent, step, count, m));
        for (let k = 0; k < extent; k++) {
          const at = column + <usize>k * step;
          storeLanes(out + at, count, f32x4.sub(f32x4.sub(loadLanes(x + at, count), m), shift));
        }
      }
  }
}

export function logSoftmaxGrad(dy: usize, y: usize, dx: usize, outer: i32, extent: i32, inner: i32): void {
  const step = (<usize>inner) << 2;
  const block = <usize>extent * step;
  for (let n = 0; n < outer; n++, dy += block, y += block, dx += block) {
    if (inner == 1) {
      if (isZeroRow(dy, extent)) {
        memory.fill(dx, 0, block);
        continue;
      }
      const sum = splat(<f32>sumRow(dy, extent));
      for (let k = 0; k < extent; k += 4) {
        const at = (<usize>k) << 2;
        const p = f32x4.mul(exp(loadLanes(y + at, extent - k)), sum);
        storeLanes(dx + at, extent - k, f32x4.sub(loadLanes(dy + at, extent - k), p));
      }
    } else
      for (let c = 0; c < inner; c += 4) {
        const column = (<usize>c) << 2;
        const count = inner - c;
        let s0 = f64x2.splat(0);
        let s1 = s0;
        let read = splat(0);
        for (let k = 0; k < extent; k++) {
          const g = loadLanes(dy + column + <usize>k * step, count);
          read = v128.or(read, f32x4.ne(g, splat(0)));
          s0 = f64x2.add(s0, lowDoubles(g));
          s1 = f64x2.add(s1, highDoubles(g));
        }
        const sum = floats(s0, s1);
        for (let k = 0; k < extent; k++) {
          const at = column + <usize>k * step;
          const p = f32x4.mul(exp(loadLanes(y + at, count)), sum);
          storeLanes(dx + at, count, v128.and(read, f32x4.sub(loadLanes(dy + at, count), p)));
        }
      }
  }
}
