/** Where a sliding window lies inside the image, and which taps meet which positions. */

/** First index k >= 0 with start + k * step >= 0, for step > 0. */
// @ts-ignore: decorator
@inline
export function firstInside(start: i32, step: i32): i32 {
  return start >= 0 ? 0 : (-start + step - 1) / step;
}

/** End of the indices k < count with start + k * step < extent, for step > 0. */
// @ts-ignore: decorator
@inline
export function endInside(start: i32, step: i32, extent: i32, count: i32): i32 {
  return extent <= start ? 0 : min(count, (extent - start + step - 1) / step);
}

/** First tap along an axis that reaches `position` of the input, or `taps` if none does. */
// @ts-ignore: decorator
@inline
export function firstTap(position: i32, pad: i32, dilation: i32, stride: i32, taps: i32): i32 {
  let k = 0;
  while (k < taps && (position + pad - k * dilation) % stride != 0) k++;
  return k;
}

/** Distance of two taps that reach the same phase of the stride: stride / gcd(stride, dilation). */
export function tapDistance(stride: i32, dilation: i32): i32 {
  let a = stride;
  let b = dilation;
  while (b != 0) {
    const rest = a % b;
    a = b;
    b = rest;
  }
  return stride / a;
}
