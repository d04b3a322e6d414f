/** Local response normalisation across channels (Krizhevsky et al. 2012) of x [batch, channels, size]. */
import type { FloatArray, Memory } from '../memory.ts';

/** bias + alpha / width * (sum of squares over the window of channel `c`) at one position. */
function windowSquares(
  f: FloatArray,
  x: number,
  c: number,
  channels: number,
  size: number,
  width: number,
  alpha: number,
  bias: number,
): number {
  const first = Math.max(0, c - Math.floor((width - 1) / 2));
  const last = Math.min(channels - 1, c + Math.ceil((width - 1) / 2));
  let sum = 0;
  for (let i = x + first * size; i <= x + last * size; i += size) sum += f[i]! * f[i]!;
  return bias + (alpha / width) * sum;
}

/** y = x / (bias + alpha / width * sum of squares over `width` channels)^beta. */
export function lrn(
  m: Memory,
  x: number,
  y: number,
  batch: number,
  channels: number,
  size: number,
  width: number,
  alpha: number,
  beta: number,
  bias: number,
): void {
  const f = m.f32;
  for (let n = 0; n < batch; n++)
    for (let c = 0; c < channels; c++) {
      const start = n * channels * size;
      for (let p = 0; p < size; p++) {
        const i = start + c * size + p;
        const squares = windowSquares(f, x / 4 + start + p, c, channels, size, width, alpha, bias);
        f[y / 4 + i] = f[x / 4 + i]! * squares ** -beta;
      }
    }
}

/**
 * dx_i = dy_i s_i^-beta - 2 alpha beta / width x_i (sum over the j whose window holds i of dy_j x_j s_j^(-beta-1)), s
 * being the bracket in `lrn`; where dy is 0 its terms are. `scratch` holds 8 * channels floats: both terms of four positions, which the WebAssembly
 * kernel works on together.
 */
export function lrnGrad(
  m: Memory,
  dy: number,
  x: number,
  dx: number,
  scratch: number,
  batch: number,
  channels: number,
  size: number,
  width: number,
  alpha: number,
  beta: number,
  bias: number,
): void {
  const f = m.f32;
  const own = scratch / 4;
  const shared = own + 4 * channels;
  for (let n = 0; n < batch; n++)
    for (let p = 0; p < size; p++) {
      const start = n * channels * size + p;
      const lane = p % 4;
      for (let c = 0; c < channels; c++) {
        const squares = windowSquares(f, x / 4 + start, c, channels, size, width, alpha, bias);
        const i = start + c * size;
        const g = f[dy / 4 + i]!;
        f[own + 4 * c + lane] = g === 0 ? 0 : g * squares ** -beta;
        f[shared + 4 * c + lane] = g === 0 ? 0 : g * f[x / 4 + i]! * squares ** (-beta - 1);
      }
      for (let c = 0; c < channels; c++) {
        const first = Math.max(0, c - Math.ceil((width - 1) / 2));
        const last = Math.min(channels - 1, c + Math.floor((width - 1) / 2));
        let sum = 0;
        for (let j = first; j <= last; j++) sum += f[shared + 4 * j + lane]!;
        const i = start + c * size;
        const moved = sum === 0 ? 0 : ((2 * alpha * beta) / width) * f[x / 4 + i]! * sum;
        f[dx / 4 + i] = f[own + 4 * c + lane]! - moved;
      }
    }
}
