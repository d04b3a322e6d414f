/**
 * The one family of graphs whose optimum is known in closed form: reversing a uniform chain with s checkpoints (Griewank
 * and Walther 2000, algorithm 799, equation 2). Each forward node writes over its operand, each backward node reads the
 * operand of its forward node and hands the gradient on in place, the input is resident. A budget of s + 1 units then
 * takes t(n, s) + 1 runs of forward nodes, the one more because the last result is the first gradient.
 */
import { backwardRegion, forwardRegion, type PlanIndex } from '../../../src/analysis/plan-graph.ts';

/** Least cost of recomputation within a budget; undefined for every graph that is not such a chain. O(nodes). */
export function reversalExtra(index: PlanIndex, budget: number): number | undefined {
  const { nodeCount, inputCount, region, cost, bytes, isOutput } = index;
  const n = nodeCount / 2;
  if (!Number.isInteger(n) || n < 1) return undefined;
  const unit = bytes[inputCount]!;
  const unitCost = cost[0]!;
  if (unit <= 0 || unitCost <= 0) return undefined;
  // Node k makes value inputCount + k and nothing else: x1 .. xn, then the gradients gn .. g1.
  const value = (k: number): number => inputCount + k;
  for (let k = 0; k < nodeCount; k++) {
    const forward = k < n;
    const before = k === 0 ? -1 : value(k - 1);
    // Backward node k reverses forward node 2n - 1 - k, whose operand is made by the node before it.
    const operand = forward || k === nodeCount - 1 ? -1 : value(nodeCount - 2 - k);
    if (region[k] !== (forward ? forwardRegion : backwardRegion) || index.scratch[k] !== 0) return undefined;
    if (index.resultStart[k] !== value(k) || index.resultStart[k + 1] !== value(k + 1)) return undefined;
    if (bytes[value(k)] !== unit || index.view[value(k)]! >= 0) return undefined;
    if (index.partStart[value(k)] !== index.partStart[value(k + 1)]) return undefined;
    if (forward && (cost[k] !== unitCost || index.recomputable[k] === 0)) return undefined;
    if ((isOutput[value(k)] === 1) !== (k === nodeCount - 1)) return undefined;
    const wanted = [before, operand].filter((v) => v >= 0).sort((a, b) => a - b);
    const made: number[] = [];
    for (let r = index.readStart[k]!; r < index.readStart[k + 1]!; r++)
      if (index.reads[r]! >= inputCount) made.push(index.reads[r]!);
    made.sort((a, b) => a - b);
    if (made.length !== wanted.length || made.some((v, i) => v !== wanted[i])) return undefined;
    // What comes before is written over, and nothing else can be.
    const donors = index.overStart[value(k + 1)]! - index.overStart[value(k)]!;
    if (donors !== (before < 0 ? 0 : 1)) return undefined;
    if (before >= 0 && index.over[index.overStart[value(k)]!] !== before) return undefined;
  }
  const checkpoints = Math.floor(budget / unit) - 1;
  if (checkpoints < 1) return checkpoints < 0 || n > 1 ? Number.POSITIVE_INFINITY : 0;
  return unitCost * (fewestSteps(n, checkpoints) + 1 - n);
}

/** Equation 2: t(n, s) = r n - C(s + r, r - 1), with r the least such that C(s + r, s) >= n. */
export function fewestSteps(n: number, s: number): number {
  let repetitions = 0;
  // C(s + r, s), and C(s + r, r - 1) beside it.
  let reach = 1;
  let spared = 0;
  while (reach < n) {
    repetitions++;
    spared = (reach * (s + repetitions)) / (s + 1);
    reach = (reach * (s + repetitions)) / repetitions;
  }
  return repetitions * n - Math.round(spared);
}
