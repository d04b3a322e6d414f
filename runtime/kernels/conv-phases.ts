/**
 * The gradient of a convolution's input, phase by phase of the stride: the positions of one phase see the same taps of
 * the filter, so each phase is a dense product over (filter, tap) pairs, and every element is written once.
 */
import type { FloatArray } from '../memory.ts';
import { phaseExtent, phaseTaps, plane, positions, reaches, taps } from './conv-geometry.ts';
import { clearLastPanel, columnBlock, depthBlock, multiplyPanels, packedColumnsLength, rowBlock } from './gemm.ts';

/** The positions of one panel of four within the phase, and the elements of dy or dx they start at. */
const laneStart = new Float64Array(4);
const laneD = new Int32Array(4);
const laneH = new Int32Array(4);
const laneW = new Int32Array(4);

/** dx at the positions of one phase; `right` is the scratch, in elements, as are the other places. */
export function gradInputPhase(
  f: FloatArray,
  dy: number,
  w: number,
  dx: number,
  right: number,
  g: readonly number[],
  rd: number,
  rh: number,
  rw: number,
): void {
  const batch = g[0]!;
  const channels = g[1]!;
  const filters = g[2]!;
  const groups = g[3]!;
  const H = g[5]!;
  const W = g[6]!;
  const eD = phaseExtent(g, 0, rd);
  const eH = phaseExtent(g, 1, rh);
  const eW = phaseExtent(g, 2, rw);
  const rows = channels / groups;
  const perGroup = filters / groups;
  const inner = perGroup * phaseTaps(g, 0, rd) * phaseTaps(g, 1, rh) * phaseTaps(g, 2, rw);
  const columns = batch * eD * eH * eW;
  const size = plane(g);
  const left = right + packedColumnsLength(columns, inner);
  for (let group = 0; group < groups; group++) {
    const weights = w + group * perGroup * rows * taps(g);
    const source = dy + group * perGroup * positions(g);
    const to = dx + group * rows * size;
    for (let jc = 0; jc < columns; jc += columnBlock) {
      const nc = Math.min(columnBlock, columns - jc);
      for (let pc = 0; pc < inner; pc += depthBlock) {
        const kc = Math.min(depthBlock, inner - pc);
        listPairs(g, rd, rh, rw, pc, kc);
        packPhaseColumns(f, right, source, jc, nc, kc, g, eD, eH, eW);
        for (let ic = 0; ic < rows; ic += rowBlock) {
          const mc = Math.min(rowBlock, rows - ic);
          packPhaseWeights(f, left, weights, ic, mc, kc, taps(g));
          for (let c = 0; c < nc; c += 4) {
            for (let lane = 0; lane < 4; lane++) {
              const column = jc + c + lane;
              const n = Math.floor(column / (eD * eH * eW));
              const id = (Math.floor(column / (eH * eW)) % eD) * g[13]! + rd;
              const ih = (Math.floor(column / eW) % eH) * g[14]! + rh;
              const iw = (column % eW) * g[15]! + rw;
              laneStart[lane] = to + (n * channels + ic) * size + (id * H + ih) * W + iw;
            }
            multiplyPanels(
              f,
              left,
              right + c * kc,
              mc,
              nc - c,
              kc,
              size,
              laneStart[0]!,
              laneStart[1]!,
              laneStart[2]!,
              laneStart[3]!,
            );
          }
        }
      }
    }
  }
}

/**
 * The (filter, tap) pairs of one block of a phase, in the order filter, kd, kh, kw: where the weight lies within its
 * group, how far the element of dy lies from the position, and that distance along each axis.
 */
const pairWeight = new Float64Array(depthBlock);
const pairShift = new Float64Array(depthBlock);
const pairD = new Int32Array(depthBlock);
const pairH = new Int32Array(depthBlock);
const pairW = new Int32Array(depthBlock);

/** Fills the tables with pairs skip .. skip + count. */
function listPairs(g: readonly number[], rd: number, rh: number, rw: number, skip: number, count: number): void {
  const volume = taps(g);
  const size = positions(g);
  const rows = g[1]! / g[3]!;
  const pairs = phaseTaps(g, 0, rd) * phaseTaps(g, 1, rh) * phaseTaps(g, 2, rw);
  let filter = Math.floor(skip / pairs);
  let p = filter * pairs - skip;
  for (; p < count; filter++)
    for (let kd = 0; kd < g[7]!; kd++) {
      if (!reaches(g, 0, rd, kd)) continue;
      for (let kh = 0; kh < g[8]!; kh++) {
        if (!reaches(g, 1, rh, kh)) continue;
        for (let kw = 0; kw < g[9]!; kw++) {
          if (!reaches(g, 2, rw, kw)) continue;
          if (p >= 0 && p < count) {
            const d = (rd + g[16]! - kd * g[19]!) / g[13]!;
            const h = (rh + g[17]! - kh * g[20]!) / g[14]!;
            const w = (rw + g[18]! - kw * g[21]!) / g[15]!;
            pairWeight[p] = filter * rows * volume + (kd * g[8]! + kh) * g[9]! + kw;
            pairShift[p] = filter * size + (d * g[11]! + h) * g[12]! + w;
            pairD[p] = d;
            pairH[p] = h;
            pairW[p] = w;
          }
          p++;
        }
      }
    }
}

/** Packs weights as rows (input channels) first .. first + count over the listed pairs. */
function packPhaseWeights(
  f: FloatArray,
  to: number,
  weights: number,
  first: number,
  count: number,
  depth: number,
  volume: number,
): void {
  for (let r = 0; r < count; r += 4)
    for (let p = 0; p < depth; p++) {
      let source = weights + pairWeight[p]! + (first + r) * volume;
      for (let lane = 0; lane < 4; lane++, source += volume) f[to++] = r + lane < count ? f[source]! : 0;
    }
}

/** Packs dy as columns (input positions of the phase) first .. first + count over the listed pairs. */
function packPhaseColumns(
  f: FloatArray,
  to: number,
  source: number,
  first: number,
  count: number,
  depth: number,
  g: readonly number[],
  eD: number,
  eH: number,
  eW: number,
): void {
  const oD = g[10]!;
  const oH = g[11]!;
  const oW = g[12]!;
  const imageSize = g[2]! * positions(g);
  clearLastPanel(f, to, count, depth);
  for (let c = 0; c < count; c += 4) {
    const lanes = Math.min(4, count - c);
    for (let lane = 0; lane < lanes; lane++) {
      const column = first + c + lane;
      const d = Math.floor(column / (eH * eW)) % eD;
      const h = Math.floor(column / eW) % eH;
      const w = column % eW;
      laneD[lane] = d;
      laneH[lane] = h;
      laneW[lane] = w;
      laneStart[lane] = source + Math.floor(column / (eD * eH * eW)) * imageSize + (d * oH + h) * oW + w;
    }
    for (let lane = 0; lane < 4; lane++) {
      let q = to + lane;
      if (lane >= lanes) {
        for (let p = 0; p < depth; p++, q += 4) f[q] = 0;
        continue;
      }
      const start = laneStart[lane]!;
      const d = laneD[lane]!;
      const h = laneH[lane]!;
      const w = laneW[lane]!;
      for (let p = 0; p < depth; p++, q += 4) {
        const od = d + pairD[p]!;
        const oh = h + pairH[p]!;
        const ow = w + pairW[p]!;
        const inside = od >= 0 && od < oD && oh >= 0 && oh < oH && ow >= 0 && ow < oW;
        f[q] = inside ? f[start + pairShift[p]!]! : 0;
      }
    }
    to += 4 * depth;
  }
}
