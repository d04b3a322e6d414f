/**
 * Strategy `manual`: keep the values that the user lists, exactly those. A list that could not save anything is refused,
 * as is a name that is none of the graph's forward values.
 */
import type { PlanIndex } from '../../src/analysis/plan-graph.ts';
import { valueName } from '../../src/analysis/simulate.ts';
import { type Diagnostic, nameSuggester, SublinearError } from '../../src/ir/diagnostic.ts';
import { keptSetSequence } from './kept-set.ts';
import { findStorages, type Storages } from './storages.ts';
import { namesOption, type Strategy } from './strategy.ts';

export const manual: Strategy = (index, options) => {
  const names = namesOption(options, 'values') ?? [];
  if (names.length === 0)
    throw new SublinearError(
      {
        code: 'no-checkpoints',
        message: 'strategy manual needs the values to keep',
        hint: 'mark values with checkpoint(x), or list their names in the option values',
      },
      2,
    );
  const storages = findStorages(index);
  const kept = keptValues(index, storages, names);
  refuseUseless(index, storages, kept, names);
  return keptSetSequence(index, kept, storages);
};

function keptValues(index: PlanIndex, storages: Storages, names: readonly string[]): Uint8Array {
  const forwardValues = index.resultStart[storages.forwardCount]!;
  const ids = new Map<string, number>();
  for (let v = 0; v < index.valueCount; v++) ids.set(valueName(index, v), v);
  const kept = new Uint8Array(index.valueCount);
  const faults: Diagnostic[] = [];
  const nearestTo = nameSuggester(() => [...ids].flatMap(([known, id]) => (id < forwardValues ? [known] : [])));
  for (const name of names) {
    const value = ids.get(name);
    if (value === undefined) {
      const nearest = nearestTo(name);
      faults.push({
        code: 'unknown-checkpoint',
        message: `no value is named ${JSON.stringify(name)} in the graph that is planned`,
        hint:
          nearest === undefined
            ? 'values that nothing reads, or that were fused into others, are gone; `sublinear compile MODEL --emit ir` writes those that are left'
            : `did you mean ${JSON.stringify(nearest)}?`,
      });
    } else if (value >= forwardValues) {
      faults.push({
        code: 'not-a-forward-value',
        message: `${JSON.stringify(name)} is made by a backward or update node and cannot be a checkpoint`,
        hint: 'gradients are never recomputed; checkpoints are values of the forward pass',
      });
    } else kept[value] = 1;
  }
  if (faults.length > 0) throw new SublinearError(faults);
  return kept;
}

/**
 * If nothing that backward reads is made after the first kept value, all of it is recomputed at once: about the peak of
 * ordinary backpropagation, for twice the work.
 */
function refuseUseless(index: PlanIndex, storages: Storages, kept: Uint8Array, names: readonly string[]): void {
  const { root, demanded, permanent } = storages;
  let first = -1;
  let anyDemanded = false;
  for (let v = index.inputCount; v < index.resultStart[storages.forwardCount]!; v++) {
    if (kept[v] === 1 && first < 0) first = index.producer[v]!;
    if (root[v] !== v || demanded[v] === 0 || permanent[v] === 1) continue;
    anyDemanded = true;
    if (first >= 0 && index.producer[v]! > first) return;
  }
  if (!anyDemanded) return;
  throw new SublinearError({
    code: 'useless-checkpoints',
    message: `keeping ${names.map((name) => JSON.stringify(name)).join(', ')} saves nothing: no value that the backward pass reads is made after`,
    hint: 'list values from the middle of the forward pass',
  });
}
