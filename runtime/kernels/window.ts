/** Where a sliding window lies inside the image: shared by convolutions and pools. */

/** First index k >= 0 with start + k * step >= 0. */
export function firstInside(start: number, step: number): number {
  return start >= 0 ? 0 : Math.ceil(-start / step);
}

/** Number of indices k < count with start + k * step < extent. */
export function endInside(start: number, step: number, extent: number, count: number): number {
  return Math.max(0, Math.min(count, Math.ceil((extent - start) / step)));
}
