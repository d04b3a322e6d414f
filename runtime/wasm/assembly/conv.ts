/**
 * Convolution and its gradients in three spatial dimensions over blocked products of packed patches; the same
 * decomposition as runtime/kernels/conv.ts. Geometry as there: extents of the input, the filter and the result,
 * strides, pads before, dilations.
 *
 * Threads share a convolution: part `part` of `parts` computes a range of the columns of each product, packed in a
 * scratch of its own. Direct walks, and results that begin as zeros, are not shared: there `parts` is 1. A
 * whole call need not say so: it is what 0 parts mean, and arguments left out are 0.
 */
import { correlate, setFirstShifts, setResult, setResultGrid, setShifts, setTapOffsets, setTaps } from './correlate';
import { absent, columnBlock, depthBlock, multiplyBlock, packedColumnsBytes, partStart, rowBlock } from './gemm';
import { setGrid, setSource, setStarts, setSteps } from './grid';
import { packPatchRows, packPositions, setColumns, setFilter } from './patch-rows';
import { convDepthwise, convDepthwiseGradInput, convDepthwiseGradWeight } from './depthwise';
import { fillPlanes } from './fill';
import { firstTap, tapDistance } from './window';

/** Fewer filters than this over a single channel are walked directly, as in the plain kernel. */
const directFilters: i32 = 4;

/** y = x convolved with w, plus a bias per filter. */
export function conv(
  x: usize,
  w: usize,
  bias: usize,
  out: usize,
  scratch: usize,
  batch: i32,
  channels: i32,
  filters: i32,
  groups: i32,
  D: i32,
  H: i32,
  W: i32,
  kD: i32,
  kH: i32,
  kW: i32,
  oD: i32,
  oH: i32,
  oW: i32,
  sD: i32,
  sH: i32,
  sW: i32,
  pD: i32,
  pH: i32,
  pW: i32,
  dD: i32,
  dH: i32,
  dW: i32,
  part: i32,
  parts: i32,
): void {
  parts = max(parts, 1);
  const size = oD * oH * oW;
  const plane = D * H * W;
  const perGroup = channels / groups;
  const rows = filters / groups;
  const inner = perGroup * kD * kH * kW;
  const columns = batch * size;
  const direct = perGroup == 1 && rows < directFilters;
  if (direct || inner == 0 || plane == 0) fillPlanes(out, bias, batch, filters, size);
  if (inner == 0 || plane == 0) return;
  if (direct) {
    convDepthwise(
      x,
      w,
      out,
      batch,
      channels,
      filters,
      D,
      H,
      W,
      kD,
      kH,
      kW,
      oD,
      oH,
      oW,
      sD,
      sH,
      sW,
      pD,
      pH,
      pW,
      dD,
      dH,
      dW,
    );
    return;
  }
  setGrid(oD, oH, oW);
  setSteps(sD, sH, sW);
  setStarts(-pD, -pH, -pW);
  setSource(D, H, W, channels * plane);
  setTaps(kD, kH, kW);
  setFirstShifts(0, 0, 0);
  setShifts(dD, dH, dW);
  setTapOffsets(0, kH * kW, kW, 1);
  setResult(oH, oW, filters * size, 1, 1, 1, 0);
  setResultGrid(oD, oH, oW);
  const end = x + ((<usize>(batch * channels * plane)) << 2);
  for (let group = 0; group < groups; group++)
    correlate(
      x + ((<usize>(group * perGroup * plane)) << 2),
      x,
      end,
      w + ((<usize>(group * rows * inner)) << 2),
      bias == absent ? absent : bias + ((<usize>(group * rows)) << 2),
      out + ((<usize>(group * rows * size)) << 2),
      scratch,
      rows,
      partStart(columns, part, parts),
      partStart(columns, part + 1, parts),
      perGroup,
      (<usize>plane) << 2,
      inner,
      kD * kH * kW,
      (<usize>size) << 2,
    );
}

/**
 * dx = the adjoint of the convolution applied to dy. Positions of one phase of the stride see the
 * same taps, so each phase is a dense product and every element is written by one of them.
 */
export function convGradInput(
  dy: usize,
  w: usize,
  dx: usize,
  scratch: usize,
  batch: i32,
  channels: i32,
  filters: i32,
  groups: i32,
  D: i32,
  H: i32,
  W: i32,
  kD: i32,
  kH: i32,
  kW: i32,
  oD: i32,
  oH: i32,
  oW: i32,
  sD: i32,
  sH: i32,
  sW: i32,
  pD: i32,
  pH: i32,
  pW: i32,
  dD: i32,
  dH: i32,
  dW: i32,
  part: i32,
  parts: i32,
): void {
  parts = max(parts, 1);
  const size = oD * oH * oW;
  const plane = D * H * W;
  const volume = kD * kH * kW;
  const rows = channels / groups;
  const perGroup = filters / groups;
  // Phases that no tap reaches stay zero.
  const nD = tapDistance(sD, dD);
  const nH = tapDistance(sH, dH);
  const nW = tapDistance(sW, dW);
  const gaps = size == 0 || perGroup == 0 || sD > min(kD, nD) || sH > min(kH, nH) || sW > min(kW, nW);
  const direct = rows == 1 && perGroup < directFilters;
  if (gaps || direct) memory.fill(dx, 0, (<usize>(batch * channels * plane)) << 2);
  if (size == 0 || perGroup == 0 || plane == 0) return;
  if (direct) {
    convDepthwiseGradInput(
      dy,
      w,
      dx,
      batch,
      channels,
      filters,
      D,
      H,
      W,
      kD,
      kH,
      kW,
      oD,
      oH,
      oW,
      sD,
      sH,
      sW,
      pD,
      pH,
      pW,
      dD,
      dH,
      dW,
    );
    return;
  }
  const end = dy + ((<usize>(batch * filters * size)) << 2);
  for (let rd = 0; rd < min(sD, D); rd++) {
    const k0D = firstTap(rd, pD, dD, sD, kD);
    for (let rh = 0; rh < min(sH, H); rh++) {
      const k0H = firstTap(rh, pH, dH, sH, kH);
      for (let rw = 0; rw < min(sW, W); rw++) {
        const k0W = firstTap(rw, pW, dW, sW, kW);
        if (k0D == kD || k0H == kH || k0W == kW) continue;
        const eD = (D - rd + sD - 1) / sD;
        const eH = (H - rh + sH - 1) / sH;
        const eW = (W - rw + sW - 1) / sW;
        setGrid(eD, eH, eW);
        setSteps(1, 1, 1);
        setStarts(0, 0, 0);
        setSource(oD, oH, oW, filters * size);
        setTaps((kD - 1 - k0D) / nD + 1, (kH - 1 - k0H) / nH + 1, (kW - 1 - k0W) / nW + 1);
        setFirstShifts((rd + pD - k0D * dD) / sD, (rh + pH - k0H * dH) / sH, (rw + pW - k0W * dW) / sW);
        setShifts(-((nD * dD) / sD), -((nH * dH) / sH), -((nW * dW) / sW));
        setTapOffsets((k0D * kH + k0H) * kW + k0W, nD * kH * kW, nH * kW, nW);
        setResult(H, W, channels * plane, sD, sH, sW, (rd * H + rh) * W + rw);
        setResultGrid(eD, eH, eW);
        const columns = batch * eD * eH * eW;
        for (let group = 0; group < groups; group++)
          correlate(
            dy + ((<usize>(group * perGroup * size)) << 2),
            dy,
            end,
            w + ((<usize>(group * perGroup * rows * volume)) << 2),
            absent,
            dx + ((<usize>(group * rows * plane)) << 2),
            scratch,
            rows,
            partStart(columns, part, parts),
            partStart(columns, part + 1, parts),
            perGroup,
            (<usize>size) << 2,
            volume,
            rows * volume,
            (<usize>plane) << 2,
          );
      }
    }
  }
}

/** dw = sum over batch and positions of dy times the patches of x. */
export function convGradWeight(
  x: usize,
  dy: usize,
  dw: usize,
  scratch: usize,
  batch: i32,
  channels: i32,
  filters: i32,
  groups: i32,
  D: i32,
  H: i32,
  W: i32,
  kD: i32,
  kH: i32,
  kW: i32,
  oD: i32,
  oH: i32,
  oW: i32,
  sD: i32,
  sH: i32,
  sW: i32,
  pD: i32,
  pH: i32,
  pW: i32,
  dD: i32,
  dH: i32,
  dW: i32,
  part: i32,
  parts: i32,
): void {
  parts = max(parts, 1);
  const size = oD * oH * oW;
  const plane = D * H * W;
  const perGroup = channels / groups;
  const rows = filters / groups;
  const columns = perGroup * kD * kH * kW;
  const inner = batch * size;
  const stride = (<usize>columns) << 2;
  if (inner == 0 || plane == 0) {
    memory.fill(dw, 0, <usize>filters * stride);
    return;
  }
  if (perGroup == 1 && rows < directFilters) {
    convDepthwiseGradWeight(
      x,
      dy,
      dw,
      batch,
      channels,
      filters,
      D,
      H,
      W,
      kD,
      kH,
      kW,
      oD,
      oH,
      oW,
      sD,
      sH,
      sW,
      pD,
      pH,
      pW,
      dD,
      dH,
      dW,
    );
    return;
  }
  setGrid(oD, oH, oW);
  setSteps(sD, sH, sW);
  setStarts(-pD, -pH, -pW);
  setSource(D, H, W, channels * plane);
  setFilter(kD, kH, kW, dD, dH, dW);
  setColumns(x, x + ((<usize>(batch * channels * plane)) << 2), (<usize>plane) << 2);
  const imageBytes = (<usize>(filters * size)) << 2;
  // Groups, if they come out even: the patches of a group are then packed once.
  const byGroup = groups % parts == 0 || groups >= 4 * parts;
  const firstGroup = byGroup ? (groups * part) / parts : 0;
  const lastGroup = byGroup ? (groups * (part + 1)) / parts : groups;
  const first = byGroup ? 0 : partStart(columns, part, parts);
  const last = byGroup ? columns : partStart(columns, part + 1, parts);
  const left = scratch + packedColumnsBytes(last - first, inner);
  for (let group = firstGroup; group < lastGroup; group++) {
    const image = x + ((<usize>(group * perGroup * plane)) << 2);
    const to = dw + <usize>(group * rows) * stride;
    for (let jc = first; jc < last; jc += columnBlock) {
      const nc = min(columnBlock, last - jc);
      for (let pc = 0; pc < inner; pc += depthBlock) {
        const kc = min(depthBlock, inner - pc);
        packPatchRows(scratch, image, (<usize>plane) << 2, jc, nc, pc, kc);
        for (let ic = 0; ic < rows; ic += rowBlock) {
          const mc = min(rowBlock, rows - ic);
          packPositions(left, dy + ((<usize>((group * rows + ic) * size)) << 2), mc, pc, kc, size, imageBytes);
          let right = scratch;
          let c = to + <usize>ic * stride + ((<usize>jc) << 2);
          for (let j = 0; j < nc; j += 8, right += (<usize>kc) << 5, c += 32) {
            let panel = left;
            let block = c;
            for (let i = 0; i < mc; i += 4, panel += (<usize>kc) << 4, block += 4 * stride)
              multiplyBlock(panel, right, kc, block, stride, mc - i, nc - j, pc != 0);
          }
        }
      }
    }
  }
}
