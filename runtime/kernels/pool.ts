/**
 * Pooling over windows of one to three spatial dimensions, and its gradients.
 *
 * A geometry is [planes, D,H,W, kD,kH,kW, oD,oH,oW, sD,sH,sW, pD,pH,pW, dD,dH,dW, eD,eH,eW]: batch times channels,
 * extents of the input, the window and the result, strides, pads before, dilations, pads after; fewer dimensions are
 * padded with leading extents of 1.
 */
import type { FloatArray, Memory } from '../memory.ts';
import { endInside, firstInside } from './window.ts';

/** The window at hand: its first position and the half-open range of its taps inside the image, along each axis. */
const start = new Int32Array(3);
const low = new Int32Array(3);
const high = new Int32Array(3);

function placeWindow(g: readonly number[], axis: number, position: number): void {
  const at = position * g[10 + axis]! - g[13 + axis]!;
  start[axis] = at;
  low[axis] = firstInside(at, g[16 + axis]!);
  high[axis] = endInside(at, g[16 + axis]!, g[1 + axis]!, g[4 + axis]!);
}

function planeSize(g: readonly number[]): number {
  return g[1]! * g[2]! * g[3]!;
}

/** Element of the largest value in the placed window of the plane at `x`, the first of equals; -1 if it is empty. */
function argmaxOfWindow(f: FloatArray, x: number, g: readonly number[]): number {
  let best = Number.NEGATIVE_INFINITY;
  let at = -1;
  for (let kd = low[0]!; kd < high[0]!; kd++)
    for (let kh = low[1]!; kh < high[1]!; kh++) {
      const row = x + ((start[0]! + kd * g[16]!) * g[2]! + start[1]! + kh * g[17]!) * g[3]! + start[2]!;
      for (let kw = low[2]!; kw < high[2]!; kw++) {
        const i = row + kw * g[18]!;
        const value = f[i]!;
        if (value > best || at < 0 || Number.isNaN(value)) {
          best = value;
          at = i;
        }
      }
    }
  return at;
}

/** out = largest element of each window; padding counts as minus infinity. */
export function maxPool(m: Memory, x: number, out: number, g: readonly number[]): void {
  const f = m.f32;
  let o = out / 4;
  for (let plane = 0, i = x / 4; plane < g[0]!; plane++, i += planeSize(g))
    for (let od = 0; od < g[7]!; od++) {
      placeWindow(g, 0, od);
      for (let oh = 0; oh < g[8]!; oh++) {
        placeWindow(g, 1, oh);
        for (let ow = 0; ow < g[9]!; ow++) {
          placeWindow(g, 2, ow);
          const at = argmaxOfWindow(f, i, g);
          f[o++] = at < 0 ? Number.NEGATIVE_INFINITY : f[at]!;
        }
      }
    }
}

/**
 * As `maxPool`, and the index of each maximum within the flattened input (i64); `columnMajor` counts the spatial
 * dimensions with the first one fastest.
 */
export function maxPoolWithIndices(
  m: Memory,
  x: number,
  out: number,
  indices: number,
  columnMajor: number,
  g: readonly number[],
): void {
  const f = m.f32;
  const size = planeSize(g);
  let o = out / 4;
  let index = indices / 8;
  for (let plane = 0, i = x / 4; plane < g[0]!; plane++, i += size)
    for (let od = 0; od < g[7]!; od++) {
      placeWindow(g, 0, od);
      for (let oh = 0; oh < g[8]!; oh++) {
        placeWindow(g, 1, oh);
        for (let ow = 0; ow < g[9]!; ow++) {
          placeWindow(g, 2, ow);
          const at = argmaxOfWindow(f, i, g);
          f[o++] = at < 0 ? Number.NEGATIVE_INFINITY : f[at]!;
          const local = at - i;
          const w = local % g[3]!;
          const h = Math.floor(local / g[3]!) % g[2]!;
          const d = Math.floor(local / (g[2]! * g[3]!));
          m.f64[index++] = at < 0 ? -1 : plane * size + (columnMajor ? (w * g[2]! + h) * g[1]! + d : local);
        }
      }
    }
}

/** dx: each dy goes to its window's largest element, found again in x. */
export function maxPoolGrad(m: Memory, dy: number, x: number, dx: number, g: readonly number[]): void {
  const f = m.f32;
  const size = planeSize(g);
  f.fill(0, dx / 4, dx / 4 + g[0]! * size);
  const shift = dx / 4 - x / 4;
  let o = dy / 4;
  for (let plane = 0, i = x / 4; plane < g[0]!; plane++, i += size)
    for (let od = 0; od < g[7]!; od++) {
      placeWindow(g, 0, od);
      for (let oh = 0; oh < g[8]!; oh++) {
        placeWindow(g, 1, oh);
        for (let ow = 0; ow < g[9]!; ow++, o++) {
          placeWindow(g, 2, ow);
          const at = argmaxOfWindow(f, i, g);
          if (at >= 0) f[at + shift] = f[at + shift]! + f[o]!;
        }
      }
    }
}

/** Elements by which the placed window is averaged: those inside the image, or with its pads. */
function windowCount(g: readonly number[], includePad: number): number {
  let count = 1;
  for (let axis = 0; axis < 3; axis++)
    count *= includePad
      ? endInside(start[axis]!, g[16 + axis]!, g[1 + axis]! + g[19 + axis]!, g[4 + axis]!)
      : Math.max(0, high[axis]! - low[axis]!);
  return count;
}

/** out = mean of each window; `includePad` counts the pads as zeros. An empty window gives 0. */
export function averagePool(m: Memory, x: number, out: number, includePad: number, g: readonly number[]): void {
  const f = m.f32;
  let o = out / 4;
  for (let plane = 0, i = x / 4; plane < g[0]!; plane++, i += planeSize(g))
    for (let od = 0; od < g[7]!; od++) {
      placeWindow(g, 0, od);
      for (let oh = 0; oh < g[8]!; oh++) {
        placeWindow(g, 1, oh);
        for (let ow = 0; ow < g[9]!; ow++) {
          placeWindow(g, 2, ow);
          let sum = 0;
          for (let kd = low[0]!; kd < high[0]!; kd++)
            for (let kh = low[1]!; kh < high[1]!; kh++) {
              const row = i + ((start[0]! + kd * g[16]!) * g[2]! + start[1]! + kh * g[17]!) * g[3]! + start[2]!;
              for (let kw = low[2]!; kw < high[2]!; kw++) sum += f[row + kw * g[18]!]!;
            }
          const count = windowCount(g, includePad);
          f[o++] = count === 0 ? 0 : sum / count;
        }
      }
    }
}

/** dx: each dy is spread over its window. */
export function averagePoolGrad(m: Memory, dy: number, dx: number, includePad: number, g: readonly number[]): void {
  const f = m.f32;
  const size = planeSize(g);
  f.fill(0, dx / 4, dx / 4 + g[0]! * size);
  let o = dy / 4;
  for (let plane = 0, i = dx / 4; plane < g[0]!; plane++, i += size)
    for (let od = 0; od < g[7]!; od++) {
      placeWindow(g, 0, od);
      for (let oh = 0; oh < g[8]!; oh++) {
        placeWindow(g, 1, oh);
        for (let ow = 0; ow < g[9]!; ow++, o++) {
          placeWindow(g, 2, ow);
          const count = windowCount(g, includePad);
          const share = count === 0 ? 0 : f[o]! / count;
          for (let kd = low[0]!; kd < high[0]!; kd++)
            for (let kh = low[1]!; kh < high[1]!; kh++) {
              const row = i + ((start[0]! + kd * g[16]!) * g[2]! + start[1]! + kh * g[17]!) * g[3]! + start[2]!;
              for (let kw = low[2]!; kw < high[2]!; kw++) f[row + kw * g[18]!] = f[row + kw * g[18]!]! + share;
            }
        }
      }
    }
}

/** out = (sum |x|^p)^(1/p) of each window. */
export function lpPool(m: Memory, x: number, out: number, p: number, g: readonly number[]): void {
  const f = m.f32;
  let o = out / 4;
  for (let plane = 0, i = x / 4; plane < g[0]!; plane++, i += planeSize(g))
    for (let od = 0; od < g[7]!; od++) {
      placeWindow(g, 0, od);
      for (let oh = 0; oh < g[8]!; oh++) {
        placeWindow(g, 1, oh);
        for (let ow = 0; ow < g[9]!; ow++) {
          placeWindow(g, 2, ow);
          let sum = 0;
          for (let kd = low[0]!; kd < high[0]!; kd++)
            for (let kh = low[1]!; kh < high[1]!; kh++) {
              const row = i + ((start[0]! + kd * g[16]!) * g[2]! + start[1]! + kh * g[17]!) * g[3]! + start[2]!;
              for (let kw = low[2]!; kw < high[2]!; kw++) sum += Math.abs(f[row + kw * g[18]!]!) ** p;
            }
          f[o++] = sum ** (1 / p);
        }
      }
    }
}

/** dx = dy sign(x) |x|^(p-1) y^(1-p), summed over windows; 0 where y is 0. */
export function lpPoolGrad(
  m: Memory,
  dy: number,
  x: number,
  y: number,
  dx: number,
  p: number,
  g: readonly number[],
): void {
  const f = m.f32;
  const size = planeSize(g);
  f.fill(0, dx / 4, dx / 4 + g[0]! * size);
  const shift = dx / 4 - x / 4;
  const toY = y / 4 - dy / 4;
  let o = dy / 4;
  for (let plane = 0, i = x / 4; plane < g[0]!; plane++, i += size)
    for (let od = 0; od < g[7]!; od++) {
      placeWindow(g, 0, od);
      for (let oh = 0; oh < g[8]!; oh++) {
        placeWindow(g, 1, oh);
        for (let ow = 0; ow < g[9]!; ow++, o++) {
          placeWindow(g, 2, ow);
          const norm = f[o + toY]!;
          if (norm === 0 || f[o] === 0) continue;
          const factor = f[o]! * norm ** (1 - p);
          for (let kd = low[0]!; kd < high[0]!; kd++)
            for (let kh = low[1]!; kh < high[1]!; kh++) {
              const row = i + ((start[0]! + kd * g[16]!) * g[2]! + start[1]! + kh * g[17]!) * g[3]! + start[2]!;
              for (let kw = low[2]!; kw < high[2]!; kw++) {
                const at = row + kw * g[18]!;
                const value = f[at]!;
                f[at + shift] = f[at + shift]! + factor * Math.sign(value) * Math.abs(value) ** (p - 1);
              }
            }
        }
      }
    }
}
