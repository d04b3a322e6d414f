/**
 * The cheapest legal sequence within a budget, by trying everything (cheapest first, states seen once). Works on names and
 * shares no code with planners or the simulator: a step is run on a set of blocks, after it each touched block is either
 * dropped or not. For graphs of up to about nine nodes.
 */
import type { PlanGraph, PlanNode, PlanResult } from '../../../../src/analysis/plan-graph.ts';

interface Block {
  readonly bytes: number;
  /** Alive to the end. */
  readonly pinned: boolean;
}

interface State {
  readonly cost: number;
  readonly done: number;
  /** Block of each value; -1 dead or not made, -2 within a resident. */
  readonly at: readonly number[];
  readonly blocks: readonly (Block | undefined)[];
}

const align = (bytes: number): number => Math.ceil(bytes / 64) * 64;

/** Cost of all steps; undefined if no legal sequence fits. Throws RangeError past `mostStates` states. */
export function bruteForce(graph: PlanGraph, budget: number, mostStates = 400_000): number | undefined {
  const residents = new Set(graph.inputs.map((input) => input.name));
  const values: string[] = [];
  for (const node of graph.nodes) for (const output of node.outputs) values.push(output.name);
  const number = new Map(values.map((name, i) => [name, i]));
  const sizeOf = new Map(graph.nodes.flatMap((node) => node.outputs.map((o) => [o.name, align(o.bytes)] as const)));
  /** Resident that a value lies in, if any. */
  const residentOf = new Map<string, string>();
  const writes: (readonly string[])[] = [];
  for (const name of residents) residentOf.set(name, name);
  for (const node of graph.nodes) {
    const written: string[] = [];
    for (const output of node.outputs) {
      if (output.view !== undefined && residentOf.has(output.view))
        residentOf.set(output.name, residentOf.get(output.view)!);
      if (node.region !== 'update') continue;
      for (const donor of donorsOf(output))
        if (residents.has(donor)) {
          written.push(donor);
          residentOf.set(output.name, donor);
        }
    }
    writes.push(written);
  }
  const everything = 2 ** graph.nodes.length - 1;
  const forwardMask = maskOf(graph, (node) => node.region === 'forward');
  const start: State = { cost: 0, done: 0, at: values.map(() => -1), blocks: [] };
  const buckets = new Map<number, State[]>([[0, [start]]]);
  const seen = new Set<string>();
  for (;;) {
    const cost = Math.min(...buckets.keys());
    if (!Number.isFinite(cost)) return undefined;
    const bucket = buckets.get(cost)!;
    const state = bucket.pop();
    if (state === undefined) {
      buckets.delete(cost);
      continue;
    }
    const key = keyOf(state);
    if (seen.has(key)) continue;
    seen.add(key);
    if (seen.size > mostStates) throw new RangeError('too many states');
    if (state.done === everything) return state.cost;
    graph.nodes.forEach((node, n) => {
      const again = (state.done & (1 << n)) !== 0;
      if (again && (node.region !== 'forward' || !node.recomputable)) return;
      if (!again && node.region === 'forward' && anyDone(graph, state.done, 'backward')) return;
      if (node.region === 'backward' && (state.done & forwardMask) !== forwardMask) return;
      for (const next of run(node, n, state)) {
        const list = buckets.get(next.cost);
        if (list === undefined) buckets.set(next.cost, [next]);
        else list.push(next);
      }
    });
  }

  function largestFirst({ parts = [] }: PlanResult): readonly string[] {
    return [...parts]
      .sort((a, b) => sizeOf.get(b.value)! - sizeOf.get(a.value)! || a.offset - b.offset)
      .map((part) => part.value);
  }

  function run(node: PlanNode, n: number, state: State): State[] {
    const again = (state.done & (1 << n)) !== 0;
    const touched = new Set<number>();
    for (const name of node.inputs) {
      const resident = residentOf.get(name);
      if (resident !== undefined) {
        if (!residents.has(name) && state.at[number.get(name)!] === -1) return [];
        // An update that has run has written over it; what the update itself makes lies there and may be read.
        const overwritten = graph.nodes.some((_, u) => (state.done & (1 << u)) !== 0 && writes[u]!.includes(resident));
        const madeByUpdate = graph.nodes.some(
          (other) => other.region === 'update' && other.outputs.some((o) => o.name === name),
        );
        if (overwritten && !madeByUpdate) return [];
        continue;
      }
      const block = state.at[number.get(name)!]!;
      if (block < 0) return [];
      touched.add(block);
    }
    const old = [...touched];
    const results: State[] = [];
    // Which of the operands' blocks die at this step, then which of the results'.
    for (let dying = 0; dying < 2 ** old.length; dying++) {
      const dies = new Set(old.filter((block, i) => (dying & (1 << i)) !== 0 && !state.blocks[block]!.pinned));
      if (old.some((block, i) => (dying & (1 << i)) !== 0 && state.blocks[block]!.pinned)) continue;
      const at = state.at.slice();
      const blocks = state.blocks.slice();
      const taken = new Set<number>();
      const fresh: number[] = [];
      let bytes = blocks.reduce((sum, block) => sum + (block?.bytes ?? 0), 0) + align(node.scratch);
      let viewsDying = false;
      for (const output of node.outputs) {
        const value = number.get(output.name)!;
        const bound = !again && graph.outputs.includes(output.name);
        if (residentOf.has(output.name)) {
          at[value] = -2;
          continue;
        }
        if (output.view !== undefined) {
          const block = at[number.get(output.view)!]!;
          at[value] = block;
          if (bound) {
            if (dies.has(block)) viewsDying = true;
            blocks[block] = { ...blocks[block]!, pinned: true };
          }
          continue;
        }
        const size = align(output.bytes);
        let block = -1;
        for (const donor of donorsOf(output)) {
          if (residentOf.has(donor)) continue;
          const candidate = state.at[number.get(donor)!]!;
          if (!dies.has(candidate) || taken.has(candidate) || blocks[candidate]!.bytes < size) continue;
          taken.add(candidate);
          block = blocks.length;
          blocks.push({ bytes: blocks[candidate]!.bytes, pinned: bound });
          break;
        }
        if (block < 0) {
          block = blocks.length;
          blocks.push({ bytes: size, pinned: bound });
          bytes += size;
          let room = size;
          for (const part of largestFirst(output)) {
            const candidate = state.at[number.get(part)!] ?? -1;
            if (candidate < 0 || !dies.has(candidate) || taken.has(candidate)) continue;
            const filled = blocks[candidate]!.bytes;
            if (filled !== sizeOf.get(part) || filled > room) continue;
            taken.add(candidate);
            room -= filled;
            bytes -= filled;
          }
        }
        fresh.push(block);
        at[value] = block;
      }
      if (viewsDying || bytes > budget) continue;
      for (let unread = 0; unread < 2 ** fresh.length; unread++) {
        if (fresh.some((block, i) => (unread & (1 << i)) !== 0 && blocks[block]!.pinned)) continue;
        const gone = new Set([...dies, ...fresh.filter((_, i) => (unread & (1 << i)) !== 0)]);
        results.push({
          cost: state.cost + node.cost,
          done: state.done | (1 << n),
          at: at.map((block) => (gone.has(block) ? -1 : block)),
          blocks: blocks.map((block, i) => (gone.has(i) ? undefined : block)),
        });
      }
    }
    return results;
  }
}

function donorsOf(output: { readonly over?: string | readonly string[] }): readonly string[] {
  return output.over === undefined ? [] : typeof output.over === 'string' ? [output.over] : output.over;
}

function maskOf(graph: PlanGraph, wanted: (node: PlanNode) => boolean): number {
  return graph.nodes.reduce((mask, node, n) => (wanted(node) ? mask | (1 << n) : mask), 0);
}

function anyDone(graph: PlanGraph, done: number, region: string): boolean {
  return graph.nodes.some((node, n) => node.region === region && (done & (1 << n)) !== 0);
}

/** Blocks by the values that lie in them; blocks that no value names any more by their bytes. */
function keyOf(state: State): string {
  const names = new Map<number, number>();
  const parts = state.at.map((block) => {
    if (block < 0) return block;
    if (!names.has(block)) names.set(block, names.size);
    return names.get(block)!;
  });
  const sizes = [...names.keys()].map(
    (block) => `${state.blocks[block]!.bytes}${state.blocks[block]!.pinned ? 'p' : ''}`,
  );
  let rest = 0;
  state.blocks.forEach((block, i) => {
    if (block !== undefined && !names.has(i)) rest += block.bytes;
  });
  return `${state.done}:${parts.join()}:${sizes.join()}:${rest}`;
}
