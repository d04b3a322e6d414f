/** Kernels that read labels and indices: what they hold is checked here, so that the module need not report faults. */
import { crossEntropy, crossEntropyGrad } from './kernels/cross-entropy.ts';
import { elementBytes, elementsOf, typeCode } from './kernels/elements.ts';
import { gatherGrad } from './kernels/gather.ts';
import type { Memory } from './memory.ts';
import type { NumberList, PickKernel } from './wasm-instance.ts';

const labelTypes: NumberList = [typeCode('i32'), typeCode('i64')];

/** Whether the module can read the labels; if not, the plain kernel runs and names the one at fault. */
function labelsAreClasses(
  m: Memory,
  labels: number,
  type: number,
  count: number,
  classes: number,
  hasIgnore: number,
  ignoreIndex: number,
): boolean {
  if (!labelTypes.includes(type)) return false;
  const given = elementsOf(m, type);
  const base = labels / elementBytes(type);
  for (let r = base; r < base + count; r++) {
    const label = given[r]!;
    if (!(label >= 0 && label < classes) && !(hasIgnore === 1 && label === ignoreIndex)) return false;
  }
  return true;
}

export function crossEntropyWasm(pick: PickKernel): typeof crossEntropy {
  const forward = pick('crossEntropy');
  return (
    m,
    scores,
    labels,
    labelType,
    weights,
    loss,
    batch,
    classes,
    inner,
    reduction,
    hasIgnore,
    ignore,
    normalized,
  ) => {
    const f = labelsAreClasses(m, labels, labelType, batch * inner, classes, hasIgnore, ignore)
      ? forward
      : crossEntropy.bind(null, m);
    f(scores, labels, labelType, weights, loss, batch, classes, inner, reduction, hasIgnore, ignore, normalized);
  };
}

export function crossEntropyGradWasm(pick: PickKernel): typeof crossEntropyGrad {
  const backward = pick('crossEntropyGrad');
  return (
    m,
    dloss,
    scores,
    labels,
    labelType,
    weights,
    dscores,
    batch,
    classes,
    inner,
    reduction,
    hasIgnore,
    ignore,
  ) => {
    const f = labelsAreClasses(m, labels, labelType, batch * inner, classes, hasIgnore, ignore)
      ? backward
      : crossEntropyGrad.bind(null, m);
    f(dloss, scores, labels, labelType, weights, dscores, batch, classes, inner, reduction, hasIgnore, ignore);
  };
}

/** Rows shorter than this are added in plain TypeScript: a call costs more than they do. */
const shortRow = 8;

export function gatherGradWasm(pick: PickKernel): typeof gatherGrad {
  const addRows = pick('addRows');
  return (m, dy, indexType, indices, dx, outer, extent, inner, count) => {
    const given = elementsOf(m, indexType);
    const base = indices / elementBytes(indexType);
    let inRange = inner >= shortRow;
    for (let j = base; inRange && j < base + count; j++) inRange = given[j]! >= -extent && given[j]! < extent;
    if (!inRange) {
      gatherGrad(m, dy, indexType, indices, dx, outer, extent, inner, count);
      return;
    }
    m.f32.fill(0, dx / 4, dx / 4 + outer * extent * inner);
    for (let row = 0; row < outer; row++)
      for (let j = 0; j < count; j++) {
        const index = given[base + j]!;
        const place = row * extent + (index < 0 ? index + extent : index);
        addRows(dx + 4 * place * inner, dy + 4 * (row * count + j) * inner, inner);
      }
  };
}
