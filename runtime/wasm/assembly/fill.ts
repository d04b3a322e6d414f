/** Fills. */
import { absent } from './gemm';

/** `count` floats from `to` become `value`. */
export function fill(to: usize, value: f32, count: i32): void {
  const x = f32x4.splat(value);
  let i = 0;
  for (; i + 4 <= count; i += 4, to += 16) v128.store(to, x);
  for (; i < count; i++, to += 4) store<f32>(to, value);
}

/** Fills the planes of `size` elements of [batch, channels, size] with the channel's bias, or zero. */
export function fillPlanes(to: usize, bias: usize, batch: i32, channels: i32, size: i32): void {
  if (bias == absent) {
    memory.fill(to, 0, (<usize>(batch * channels * size)) << 2);
    return;
  }
  for (let n = 0; n < batch; n++)
    for (let c = 0; c < channels; c++, to += (<usize>size) << 2)
      fill(to, load<f32>(bias + ((<usize>c) << 2)), size);
}
