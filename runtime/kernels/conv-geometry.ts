/**
 * The geometry that convolution kernels are told, a list of numbers: [N, Cin, Cout, groups, D,H,W, kD,kH,kW, oD,oH,oW,
 * sD,sH,sW, pD,pH,pW, dD,dH,dW], extents of the input, the filter and the result, strides, pads before, dilations. Fewer
 * spatial dimensions are padded with leading extents of 1. x [N,Cin,D,H,W], w [Cout,Cin/groups,kD,kH,kW], y
 * [N,Cout,oD,oH,oW].
 *
 * The phases of a stride are the input positions with the same remainder: all positions of one see the same taps.
 */

/** Spatial positions of one image of the result. */
export function positions(g: readonly number[]): number {
  return g[10]! * g[11]! * g[12]!;
}

/** Taps of one channel of a filter. */
export function taps(g: readonly number[]): number {
  return g[7]! * g[8]! * g[9]!;
}

/** Elements of one channel of the input. */
export function plane(g: readonly number[]): number {
  return g[4]! * g[5]! * g[6]!;
}

/** Positions of the input along `axis` (0: depth, 1: height, 2: width) whose coordinate modulo the stride is `phase`. */
export function phaseExtent(g: readonly number[], axis: number, phase: number): number {
  return Math.ceil((g[4 + axis]! - phase) / g[13 + axis]!);
}

/** Whether tap `k` along `axis` reaches positions of `phase`. */
export function reaches(g: readonly number[], axis: number, phase: number, k: number): boolean {
  return (phase + g[16 + axis]! - k * g[19 + axis]!) % g[13 + axis]! === 0;
}

export function phaseTaps(g: readonly number[], axis: number, phase: number): number {
  let count = 0;
  for (let k = 0; k < g[7 + axis]!; k++) if (reaches(g, axis, phase, k)) count++;
  return count;
}
