/** Which number of a list of scales (or zero points) belongs to each element of a quantized tensor. */

export interface ScaleLayout {
  /** The dimension along which scales differ; undefined where one scale is for all elements. */
  readonly axis: number | undefined;
  /** Elements along the axis that share a scale. */
  readonly block: number;
}

/**
 * `block`: the attribute block_size, 0 where the scales are not blocked. What does not fit is given to `fail`. Shapes:
 * of one element, one scale for all; [extent of the axis]; or blocked, the tensor's own but for the axis.
 */
export function scaleLayout(
  shape: readonly number[],
  scales: readonly number[],
  axis: number,
  block: number,
  fail: (message: string) => never,
): ScaleLayout {
  const count = scales.reduce((all, extent) => all * extent, 1);
  if (block === 0 && count === 1 && scales.length <= 1) return { axis: undefined, block: 1 };
  const front = axis < 0 ? axis + shape.length : axis;
  const extent = shape[front];
  if (extent === undefined) return fail(`axis ${axis} is out of range for an operand of rank ${shape.length}`);
  const wanted = block === 0 ? [extent] : shape.with(front, Math.ceil(extent / block));
  if (block < 0 || wanted.length !== scales.length || wanted.some((size, d) => size !== scales[d]))
    return fail(
      `its scales have the shape [${scales.join(',')}]; for an operand of [${shape.join(',')}] it must be [${wanted.join(',')}]`,
    );
  return { axis: front, block: block === 0 ? 1 : Math.min(block, Math.max(1, extent)) };
}

/** The place of each element's scale, in the order of the elements. */
export function scalePlaces(
  shape: readonly number[],
  scales: readonly number[],
  { axis, block }: ScaleLayout,
): (element: number) => number {
  if (axis === undefined) return () => 0;
  const inner = shape.slice(axis + 1).reduce((all, extent) => all * extent, 1);
  const extent = shape[axis]!;
  if (scales.length === 1 && shape.length > 1) return (element) => Math.floor(element / inner) % extent;
  const blocks = Math.ceil(extent / block);
  return (element) => {
    const row = Math.floor(element / inner);
    const place = Math.floor((row % extent) / block);
    return (Math.floor(row / extent) * blocks + place) * inner + (element % inner);
  };
}
