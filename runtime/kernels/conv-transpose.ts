/** The bias of a transposed convolution; the rest of it is convGradInput. */
import type { Memory } from '../memory.ts';

/** y [batch, channels, size] += bias [channels], in place. */
export function addChannelBias(
  m: Memory,
  bias: number,
  y: number,
  batch: number,
  channels: number,
  size: number,
): void {
  const f = m.f32;
  let o = y / 4;
  for (let n = 0; n < batch; n++)
    for (let c = 0; c < channels; c++) {
      const value = f[bias / 4 + c]!;
      for (const end = o + size; o < end; o++) f[o] = f[o]! + value;
    }
}
