/**
 * Resizing along the middle dimension of [outer, extent, inner], and its adjoint, by a table of doubles: for each
 * position of the result `taps` pairs of an element and its weight; the element is -1 where there is none.
 */
import { fill } from './fill';
import { loadLanes, splat, storeLanes } from './vector';

/** out [outer, to, inner] = weighted sums of x [outer, from, inner]; `outside` where the table has no element. */
export function resizeAxis(
  x: usize,
  out: usize,
  table: usize,
  outer: i32,
  from: i32,
  to: i32,
  inner: i32,
  taps: i32,
  outside: f32,
): void {
  const row = (<usize>inner) << 2;
  const pairs = (<usize>taps) << 4;
  for (let n = 0; n < outer; n++, x += <usize>from * row) {
    let at = table;
    for (let position = 0; position < to; position++, at += pairs, out += row) {
      if (load<f64>(at) < 0) {
        fill(out, outside, inner);
        continue;
      }
      for (let k = 0; k < inner; k += 4) {
        const count = inner - k;
        const column = x + ((<usize>k) << 2);
        let sum = splat(0);
        for (let pair = at; pair < at + pairs; pair += 16) {
          const p = column + <usize>load<f64>(pair) * row;
          if (inner == 1) sum = f32x4.add(sum, f32x4.mul(splat(<f32>load<f64>(pair, 8)), v128.load32_zero(p)));
          else sum = f32x4.add(sum, f32x4.mul(splat(<f32>load<f64>(pair, 8)), loadLanes(p, count)));
        }
        storeLanes(out + ((<usize>k) << 2), count, sum);
      }
    }
  }
}

/** dx [outer, from, inner] = the adjoint of `resizeAxis` applied to dy [outer, to, inner]. */
export function resizeAxisGrad(
  dy: usize,
  dx: usize,
  table: usize,
  outer: i32,
  from: i32,
  to: i32,
  inner: i32,
  taps: i32,
): void {
  const row = (<usize>inner) << 2;
  const pairs = (<usize>taps) << 4;
  memory.fill(dx, 0, <usize>(outer * from) * row);
  for (let n = 0; n < outer; n++, dx += <usize>from * row) {
    let at = table;
    for (let position = 0; position < to; position++, at += pairs, dy += row) {
      if (load<f64>(at) < 0) continue;
      for (let pair = at; pair < at + pairs; pair += 16) {
        const p = dx + <usize>load<f64>(pair) * row;
        const weight = <f32>load<f64>(pair, 8);
        const w = splat(weight);
        let k = 0;
        for (; k + 4 <= inner; k += 4) {
          const i = (<usize>k) << 2;
          v128.store(p + i, f32x4.add(v128.load(p + i), f32x4.mul(w, v128.load(dy + i))));
        }
        for (; k < inner; k++) {
          const i = (<usize>k) << 2;
          store<f32>(p + i, load<f32>(p + i) + weight * load<f32>(dy + i));
        }
      }
    }
  }
}
