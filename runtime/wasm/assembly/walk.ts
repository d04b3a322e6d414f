/**
 * Walks of tensors in row-major order under up to three lists of element strides, row by row. Extents and strides are
 * set beforehand, six of each, the innermost last, and live in globals of the module: kernels have no memory of their
 * own. Offsets are bytes of four-byte elements.
 */

let d0: i32 = 1;
let d1: i32 = 1;
let d2: i32 = 1;
let d3: i32 = 1;
let d4: i32 = 1;
/** Length of a row. */
export let width: i32 = 1;

let a0: i32 = 0;
let a1: i32 = 0;
let a2: i32 = 0;
let a3: i32 = 0;
let a4: i32 = 0;
/** Element stride along a row. */
export let strideA: i32 = 0;

let b0: i32 = 0;
let b1: i32 = 0;
let b2: i32 = 0;
let b3: i32 = 0;
let b4: i32 = 0;
export let strideB: i32 = 0;

let c0: i32 = 0;
let c1: i32 = 0;
let c2: i32 = 0;
let c3: i32 = 0;
let c4: i32 = 0;
export let strideC: i32 = 0;

let p1: i32 = 0;
let p2: i32 = 0;
let p3: i32 = 0;
let p4: i32 = 0;

/** Byte offsets of the row at hand. */
export let offsetA: usize = 0;
export let offsetB: usize = 0;
export let offsetC: usize = 0;

export function setDims(x0: i32, x1: i32, x2: i32, x3: i32, x4: i32, x5: i32): void {
  d0 = x0;
  d1 = x1;
  d2 = x2;
  d3 = x3;
  d4 = x4;
  width = x5;
}

export function setStridesA(x0: i32, x1: i32, x2: i32, x3: i32, x4: i32, x5: i32): void {
  a0 = x0;
  a1 = x1;
  a2 = x2;
  a3 = x3;
  a4 = x4;
  strideA = x5;
}

export function setStridesB(x0: i32, x1: i32, x2: i32, x3: i32, x4: i32, x5: i32): void {
  b0 = x0;
  b1 = x1;
  b2 = x2;
  b3 = x3;
  b4 = x4;
  strideB = x5;
}

export function setStridesC(x0: i32, x1: i32, x2: i32, x3: i32, x4: i32, x5: i32): void {
  c0 = x0;
  c1 = x1;
  c2 = x2;
  c3 = x3;
  c4 = x4;
  strideC = x5;
}

/** Starts a walk; returns the number of rows. */
export function beginRows(): i32 {
  p1 = 0;
  p2 = 0;
  p3 = 0;
  p4 = 0;
  offsetA = 0;
  offsetB = 0;
  offsetC = 0;
  return d0 * d1 * d2 * d3 * d4;
}

// @ts-ignore: decorator
@inline
function move(a: i32, b: i32, c: i32, steps: i32): void {
  offsetA += (<usize>(a * steps)) << 2;
  offsetB += (<usize>(b * steps)) << 2;
  offsetC += (<usize>(c * steps)) << 2;
}

/** Moves to the next row. */
export function nextRow(): void {
  move(a4, b4, c4, 1);
  if (++p4 < d4) return;
  p4 = 0;
  move(a4, b4, c4, -d4);
  move(a3, b3, c3, 1);
  if (++p3 < d3) return;
  p3 = 0;
  move(a3, b3, c3, -d3);
  move(a2, b2, c2, 1);
  if (++p2 < d2) return;
  p2 = 0;
  move(a2, b2, c2, -d2);
  move(a1, b1, c1, 1);
  if (++p1 < d1) return;
  p1 = 0;
  move(a1, b1, c1, -d1);
  move(a0, b0, c0, 1);
}

/** Moves to the next plane of two-dimensional walks: rows are then walked by the caller. */
export function nextPlane(): void {
  move(a3, b3, c3, 1);
  if (++p3 < d3) return;
  p3 = 0;
  move(a3, b3, c3, -d3);
  move(a2, b2, c2, 1);
  if (++p2 < d2) return;
  p2 = 0;
  move(a2, b2, c2, -d2);
  move(a1, b1, c1, 1);
  if (++p1 < d1) return;
  p1 = 0;
  move(a1, b1, c1, -d1);
  move(a0, b0, c0, 1);
}

/** Starts a walk by planes; returns their number. */
export function beginPlanes(): i32 {
  beginRows();
  return d0 * d1 * d2 * d3;
}

/** Rows of a plane. */
// @ts-ignore: decorator
@inline
export function planeRows(): i32 {
  return d4;
}

/** Whether the innermost dimensions of operand A are swapped: neighbours lie along the dimension before the last. */
// @ts-ignore: decorator
@inline
export function isTransposed(): bool {
  return strideA > 1 && a4 == 1;
}
