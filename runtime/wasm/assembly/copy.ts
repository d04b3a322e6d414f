/** Copies of four-byte elements between a contiguous tensor and one under strides (walk.ts, operand A). */
import { storeTransposed } from './gemm';
import { beginPlanes, beginRows, isTransposed, nextPlane, nextRow, offsetA, planeRows, strideA, width } from './walk';

/** Edge of the square tiles in which a transposition is walked, so that both sides stay in cache. */
const tile: i32 = 32;

/** `count` floats, in fours. */
// @ts-ignore: decorator
@inline
function copyRow(from: usize, to: usize, count: i32): void {
  for (; count >= 4; count -= 4, from += 16, to += 16) v128.store(to, v128.load(from));
  for (; count > 0; count--, from += 4, to += 4) store<f32>(to, load<f32>(from));
}

/** out (contiguous) = x read under the strides. */
export function copyStrided(x: usize, out: usize): void {
  if (isTransposed()) {
    copyTransposed(x, out);
    return;
  }
  const step = (<usize>strideA) << 2;
  const row = (<usize>width) << 2;
  for (let rows = beginRows(); rows > 0; rows--, nextRow()) {
    let from = x + offsetA;
    if (strideA == 1) {
      copyRow(from, out, width);
      out += row;
    } else if (strideA == 0) {
      const value = v128.load_splat<f32>(from);
      let k = width;
      for (; k >= 4; k -= 4, out += 16) v128.store(out, value);
      for (; k > 0; k--, out += 4) v128.store_lane<f32>(out, value, 0);
    } else for (let k = width; k > 0; k--, from += step, out += 4) store<f32>(out, load<f32>(from));
  }
}

/** Rows of out run across x: x's neighbours are the rows of a plane. */
function copyTransposed(x: usize, out: usize): void {
  const columns = width;
  const rows = planeRows();
  const step = (<usize>strideA) << 2;
  const row = (<usize>columns) << 2;
  for (let planes = beginPlanes(); planes > 0; planes--, nextPlane(), out += <usize>rows * row) {
    const from = x + offsetA;
    for (let r0 = 0; r0 < rows; r0 += tile) {
      const r1 = min(rows, r0 + tile);
      for (let c0 = 0; c0 < columns; c0 += tile) {
        const c1 = min(columns, c0 + tile);
        let r = r0;
        for (; r + 4 <= r1; r += 4) {
          let i = from + ((<usize>r) << 2) + <usize>c0 * step;
          let o = out + <usize>r * row + ((<usize>c0) << 2);
          let c = c0;
          for (; c + 4 <= c1; c += 4, i += 4 * step, o += 16)
            storeTransposed(
              o,
              row,
              v128.load(i),
              v128.load(i + step),
              v128.load(i + 2 * step),
              v128.load(i + 3 * step),
            );
          for (; c < c1; c++, i += step, o += 4) {
            store<f32>(o, load<f32>(i));
            store<f32>(o + row, load<f32>(i, 4));
            store<f32>(o + 2 * row, load<f32>(i, 8));
            store<f32>(o + 3 * row, load<f32>(i, 12));
          }
        }
        for (; r < r1; r++) {
          let i = from + ((<usize>r) << 2) + <usize>c0 * step;
          let o = out + <usize>r * row + ((<usize>c0) << 2);
          for (let c = c0; c < c1; c++, i += step, o += 4) store<f32>(o, load<f32>(i));
        }
      }
    }
  }
}

/** out, written under the strides, = x (contiguous). */
export function copyInto(x: usize, out: usize): void {
  const step = (<usize>strideA) << 2;
  const row = (<usize>width) << 2;
  for (let rows = beginRows(); rows > 0; rows--, nextRow()) {
    let to = out + offsetA;
    if (strideA == 1) {
      copyRow(x, to, width);
      x += row;
    } else for (let k = width; k > 0; k--, x += 4, to += step) store<f32>(to, load<f32>(x));
  }
}
