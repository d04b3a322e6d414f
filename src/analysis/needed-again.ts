/** What would have to run again for a storage that a plan keeps to be dropped and recomputed. */
import type { EditableSequence } from './edit-sequence.ts';
import { lifeReadAt } from './lives.ts';
import type { PlanIndex } from './plan-graph.ts';
import { valueName } from './simulate.ts';

/** By resident: the step that writes over it; Infinity where none does. */
export function overwrittenAt(index: PlanIndex, sequence: ArrayLike<number>): Float64Array {
  const at = new Float64Array(index.inputCount).fill(Number.POSITIVE_INFINITY);
  for (let s = 0; s < sequence.length; s++) {
    const node = sequence[s]!;
    for (let k = index.writeStart[node]!; k < index.writeStart[node + 1]!; k++)
      at[index.writes[k]!] = Math.min(at[index.writes[k]!]!, s);
  }
  return at;
}

/**
 * What must run right before a step for a storage that is dropped to be there for that step and later ones: its node, the
 * views that are read, and in turn what those read and find dead. In source order; or why that cannot be.
 */
export function neededAgain(
  { index, sequence, roots, livesOf, touchesOf }: EditableSequence,
  root: number,
  before: number,
  overwritten: Float64Array,
): readonly number[] | string {
  const { producer, readStart, reads, inputCount } = index;
  const isThere = (value: number): boolean => {
    const owner = roots[value]!;
    if (owner === root) return false;
    const lives = livesOf(owner);
    return lives.lasts[lifeReadAt(lives, owner, value, before)]! >= before;
  };
  const wanted = new Set([producer[root]!]);
  const { steps } = touchesOf(root);
  for (let i = 0; i < steps.length; i++) {
    const node = sequence[steps[i]!]!;
    for (let k = readStart[node]!; k < readStart[node + 1]!; k++)
      if (steps[i]! >= before && roots[reads[k]!] === root) wanted.add(producer[reads[k]!]!);
  }
  for (const node of wanted) {
    const name = index.graph.nodes[node]!.name;
    if (index.recomputable[node] === 0) return `${name} cannot run twice`;
    for (let k = readStart[node]!; k < readStart[node + 1]!; k++) {
      const owner = roots[reads[k]!]!;
      if (owner < inputCount) {
        if (overwritten[owner]! < before) return `${name} reads ${valueName(index, owner)}, which is updated by then`;
      } else if (!isThere(reads[k]!)) wanted.add(producer[reads[k]!]!);
    }
  }
  return [...wanted].sort((a, b) => a - b);
}
