/**
 * Convolution and its two gradients, as blocked products over patches packed tile by tile: no im2col matrix is ever
 * stored (cf. Chellapilla et al. 2006). Geometries are those of conv-geometry.ts.
 *
 * Images of a batch are walked as one long row of positions, so small feature maps still fill the blocks.
 */
import type { Memory } from '../memory.ts';
import { convDepthwise, convDepthwiseGradInput, convDepthwiseGradWeight } from './conv-depthwise.ts';
import { phaseExtent, phaseTaps, plane, positions, taps } from './conv-geometry.ts';
import { packPatches, packPatchRows, packPositions } from './conv-patches.ts';
import { gradInputPhase } from './conv-phases.ts';
import {
  columnBlock,
  depthBlock,
  gemmScratch,
  multiplyPanels,
  packedColumnsLength,
  packRows,
  rowBlock,
} from './gemm.ts';

/** Fewer filters than this over a single channel are computed without packing. */
const directFilters = 4;

function isDepthwise(g: readonly number[]): boolean {
  return g[1] === g[3] && g[2]! / g[3]! < directFilters;
}

/** Bytes of scratch of `conv`. */
export function convScratch(g: readonly number[]): number {
  if (isDepthwise(g)) return 0;
  return gemmScratch(g[2]! / g[3]!, g[0]! * positions(g), (g[1]! / g[3]!) * taps(g));
}

/** Bytes of scratch of `convGradInput`: that of its largest phase. */
export function convGradInputScratch(g: readonly number[]): number {
  if (isDepthwise(g)) return 0;
  let largest = 0;
  for (let rd = 0; rd < Math.min(g[13]!, g[4]!); rd++)
    for (let rh = 0; rh < Math.min(g[14]!, g[5]!); rh++)
      for (let rw = 0; rw < Math.min(g[15]!, g[6]!); rw++) {
        const inner = (g[2]! / g[3]!) * phaseTaps(g, 0, rd) * phaseTaps(g, 1, rh) * phaseTaps(g, 2, rw);
        const columns = g[0]! * phaseExtent(g, 0, rd) * phaseExtent(g, 1, rh) * phaseExtent(g, 2, rw);
        largest = Math.max(largest, gemmScratch(g[1]! / g[3]!, columns, inner));
      }
  return largest;
}

/** Bytes of scratch of `convGradWeight`. */
export function convGradWeightScratch(g: readonly number[]): number {
  if (isDepthwise(g)) return 0;
  return gemmScratch(g[2]! / g[3]!, (g[1]! / g[3]!) * taps(g), g[0]! * positions(g));
}

/** y = x convolved with w, plus `bias` per channel unless it is -1. */
export function conv(
  m: Memory,
  x: number,
  w: number,
  bias: number,
  out: number,
  scratch: number,
  g: readonly number[],
): void {
  const f = m.f32;
  const batch = g[0]!;
  const channels = g[1]!;
  const filters = g[2]!;
  const groups = g[3]!;
  const size = positions(g);
  for (let n = 0, o = out / 4; n < batch; n++)
    for (let c = 0; c < filters; c++, o += size) f.fill(bias < 0 ? 0 : f[bias / 4 + c]!, o, o + size);
  if (isDepthwise(g)) {
    convDepthwise(f, x / 4, w / 4, out / 4, g);
    return;
  }
  const rows = filters / groups;
  const inner = (channels / groups) * taps(g);
  const columns = batch * size;
  const right = scratch / 4;
  const left = right + packedColumnsLength(columns, inner);
  for (let group = 0; group < groups; group++) {
    const weights = w / 4 + group * rows * inner;
    const image = x / 4 + group * (channels / groups) * plane(g);
    const to = out / 4 + group * rows * size;
    for (let jc = 0; jc < columns; jc += columnBlock) {
      const nc = Math.min(columnBlock, columns - jc);
      for (let pc = 0; pc < inner; pc += depthBlock) {
        const kc = Math.min(depthBlock, inner - pc);
        packPatches(f, right, image, jc, nc, pc, kc, g);
        for (let ic = 0; ic < rows; ic += rowBlock) {
          const mc = Math.min(rowBlock, rows - ic);
          packRows(f, left, weights + ic * inner + pc, mc, kc, inner, 1);
          for (let c = 0; c < nc; c += 4) {
            const column = jc + c;
            const o = to + ic * size;
            const c0 = o + Math.floor(column / size) * filters * size + (column % size);
            const c1 = o + Math.floor((column + 1) / size) * filters * size + ((column + 1) % size);
            const c2 = o + Math.floor((column + 2) / size) * filters * size + ((column + 2) % size);
            const c3 = o + Math.floor((column + 3) / size) * filters * size + ((column + 3) % size);
            multiplyPanels(f, left, right + c * kc, mc, nc - c, kc, size, c0, c1, c2, c3);
          }
        }
      }
    }
  }
}

/** dw [Cout, Cin/groups, ...] = sum over batch and positions of dy times the patches of x. */
export function convGradWeight(
  m: Memory,
  x: number,
  dy: number,
  dw: number,
  scratch: number,
  g: readonly number[],
): void {
  const f = m.f32;
  const batch = g[0]!;
  const channels = g[1]!;
  const filters = g[2]!;
  const groups = g[3]!;
  const rows = filters / groups;
  const columns = (channels / groups) * taps(g);
  f.fill(0, dw / 4, dw / 4 + filters * columns);
  if (isDepthwise(g)) {
    convDepthwiseGradWeight(f, x / 4, dy / 4, dw / 4, g);
    return;
  }
  const size = positions(g);
  const inner = batch * size;
  const right = scratch / 4;
  const left = right + packedColumnsLength(columns, inner);
  for (let group = 0; group < groups; group++) {
    const image = x / 4 + group * (channels / groups) * plane(g);
    const to = dw / 4 + group * rows * columns;
    for (let jc = 0; jc < columns; jc += columnBlock) {
      const nc = Math.min(columnBlock, columns - jc);
      for (let pc = 0; pc < inner; pc += depthBlock) {
        const kc = Math.min(depthBlock, inner - pc);
        packPatchRows(f, right, image, jc, nc, pc, kc, g);
        for (let ic = 0; ic < rows; ic += rowBlock) {
          const mc = Math.min(rowBlock, rows - ic);
          packPositions(f, left, dy / 4 + (group * rows + ic) * size, mc, pc, kc, size, filters * size);
          for (let c = 0; c < nc; c += 4) {
            const o = to + ic * columns + jc + c;
            multiplyPanels(f, left, right + c * kc, mc, nc - c, kc, columns, o, o + 1, o + 2, o + 3);
          }
        }
      }
    }
  }
}

/** dx = the adjoint of the convolution applied to dy; also the forward of conv_transpose. */
export function convGradInput(
  m: Memory,
  dy: number,
  w: number,
  dx: number,
  scratch: number,
  g: readonly number[],
): void {
  const f = m.f32;
  f.fill(0, dx / 4, dx / 4 + g[0]! * g[1]! * plane(g));
  if (isDepthwise(g)) {
    convDepthwiseGradInput(f, dy / 4, w / 4, dx / 4, g);
    return;
  }
  for (let rd = 0; rd < Math.min(g[13]!, g[4]!); rd++)
    for (let rh = 0; rh < Math.min(g[14]!, g[5]!); rh++)
      for (let rw = 0; rw < Math.min(g[15]!, g[6]!); rw++)
        gradInputPhase(f, dy / 4, w / 4, dx / 4, scratch / 4, g, rd, rh, rw);
}
