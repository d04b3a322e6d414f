/** Local response normalisation across the channels of [batch, channels, size], four positions at a time. */
import { power } from './power';
import { loadLanes, splat, storeLanes } from './vector';

/** bias + factor * (sum of squares over channels `first` to `last`) at the positions from x on. */
// @ts-ignore: decorator
@inline
function squares(x: usize, plane: usize, first: i32, last: i32, count: i32, factor: f32, bias: f32): v128 {
  let sum = splat(0);
  let p = x + <usize>first * plane;
  for (let c = first; c <= last; c++, p += plane) {
    const value = loadLanes(p, count);
    sum = f32x4.add(sum, f32x4.mul(value, value));
  }
  return f32x4.add(splat(bias), f32x4.mul(splat(factor), sum));
}

/** y = x / (bias + alpha / width * sum of squares over `width` channels)^beta. */
export function lrn(
  x: usize,
  y: usize,
  batch: i32,
  channels: i32,
  size: i32,
  width: i32,
  alpha: f64,
  beta: f32,
  bias: f32,
): void {
  const plane = (<usize>size) << 2;
  const factor = <f32>(alpha / <f64>width);
  for (let n = 0; n < batch; n++, x += <usize>channels * plane)
    for (let c = 0; c < channels; c++, y += plane) {
      const first = max(0, c - ((width - 1) >> 1));
      const last = min(channels - 1, c + (width >> 1));
      const own = x + <usize>c * plane;
      for (let p = 0; p < size; p += 4) {
        const at = (<usize>p) << 2;
        const s = squares(x + at, plane, first, last, size - p, factor, bias);
        storeLanes(y + at, size - p, f32x4.mul(loadLanes(own + at, size - p), power(s, splat(-beta))));
      }
    }
}

/** dx; `scratch` holds 8 * channels floats: of four positions dy s^-beta, then dy x s^(-beta - 1). */
export function lrnGrad(
  dy: usize,
  x: usize,
  dx: usize,
  scratch: usize,
  batch: i32,
  channels: i32,
  size: i32,
  width: i32,
  alpha: f64,
  beta: f64,
  bias: f32,
): void {
  const plane = (<usize>size) << 2;
  const image = <usize>channels * plane;
  const factor = <f32>(alpha / <f64>width);
  const shared = scratch + ((<usize>channels) << 4);
  const share = splat(<f32>((2 * alpha * beta) / <f64>width));
  const exponent = splat(<f32>-beta);
  const before = (width - 1) >> 1;
  const after = width >> 1;
  for (let n = 0; n < batch; n++, dy += image, x += image, dx += image)
    for (let p = 0; p < size; p += 4) {
      const count = size - p;
      const column = x + ((<usize>p) << 2);
      let at = (<usize>p) << 2;
      for (let c = 0; c < channels; c++, at += plane) {
        const s = squares(column, plane, max(0, c - before), min(channels - 1, c + after), count, factor, bias);
        const raised = power(s, exponent);
        const g = loadLanes(dy + at, count);
        const unread = f32x4.eq(g, splat(0));
        const own = v128.andnot(f32x4.mul(g, raised), unread);
        const to = (<usize>c) << 4;
        v128.store(scratch + to, own);
        v128.store(shared + to, v128.andnot(f32x4.div(f32x4.mul(own, loadLanes(x + at, count)), s), unread));
      }
      at = (<usize>p) << 2;
      for (let c = 0; c < channels; c++, at += plane) {
        const last = min(channels - 1, c + before);
        let sum = splat(0);
        for (let j = max(0, c - after); j <= last; j++) sum = f32x4.add(sum, v128.load(shared + ((<usize>j) << 4)));
        const product = f32x4.mul(f32x4.mul(share, loadLanes(x + at, count)), sum);
        const moved = v128.andnot(product, f32x4.eq(sum, splat(0)));
        storeLanes(dx + at, count, f32x4.sub(v128.load(scratch + ((<usize>c) << 4)), moved));
      }
    }
}
