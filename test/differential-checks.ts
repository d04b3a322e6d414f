/**
 * The differential checks every compiled step must pass. Each gives back what it found wrong, in words; none found is
 * an empty list. The planted-fault tests use the same checks, so that a check that cannot fail is noticed.
 */

import { checkPlacement } from '../passes/arena/check.ts';
import type { MemoryPlan } from '../passes/memory-plan.ts';
import { arenaIntervals, planMemory } from '../passes/memory-plan.ts';
import { checkCollapseLaw } from '../src/analysis/collapse.ts';
import { fifoOrder } from '../src/analysis/fifo-order.ts';
import { indexPlanGraph } from '../src/analysis/plan-graph.ts';
import { simulate } from '../src/analysis/simulate.ts';
import { toPlanGraph } from '../src/analysis/to-plan-graph.ts';
import { verifyGraph } from '../src/analysis/verify.ts';
import { lowerToProgram } from '../src/codegen/lower.ts';
import { parsePlanFile, planFromFile, printPlanFile } from '../src/codegen/plan-file.ts';
import { type Compiled, compile } from '../src/compile.ts';
import { bitwiseDifferences, createExecution } from '../src/execution.ts';
import { formatDiagnostic } from '../src/ir/diagnostic.ts';
import type { Graph, Model, Tensor } from '../src/ir/graph.ts';
import { parseGraph } from '../src/ir/parse.ts';
import { printGraph } from '../src/ir/print.ts';

export interface Results {
  readonly outputs: ReadonlyMap<string, Tensor>;
  readonly state: ReadonlyMap<string, Tensor>;
}

export type Inputs = ReadonlyMap<string, Tensor>;

/** The plain kernels are the reference; WebAssembly ones have checks of their own. */
const backend = 'js';

export const runSeed = 7;

/** One step from the initial weights, in a fresh memory. */
export function runOnce(compiled: Compiled, inputs: Inputs, poison?: 'nan' | 'large'): Results {
  const execution = createExecution(compiled, { seed: runSeed, backend });
  execution.setInputs(inputs);
  if (poison === undefined) execution.machine.run();
  else execution.machine.runPoisoned(poison);
  return { outputs: execution.outputs(), state: execution.state() };
}

export function compileWith(
  model: Model,
  losses: readonly string[],
  strategy: string,
  values?: readonly string[],
): Compiled {
  return compile(model, {
    losses,
    strategy,
    wrt: 'all',
    verify: 'each',
    strategyOptions: values === undefined ? {} : { values },
  });
}

function resultDifferences(what: string, a: Results, b: Results): readonly string[] {
  const names = [...bitwiseDifferences(a.outputs, b.outputs), ...bitwiseDifferences(a.state, b.state)];
  return names.length === 0 ? [] : [`${what}: ${names.join(', ')} differ`];
}

export function bitwiseCheck(compiled: Compiled, reference: Results, inputs: Inputs): readonly string[] {
  return resultDifferences('against ordinary backpropagation', runOnce(compiled, inputs), reference);
}

/** Poison runs must end as the clean run does; a kernel that trips over poison (an index out of range) counts. */
export function poisonCheck(compiled: Compiled, inputs: Inputs): readonly string[] {
  const clean = runOnce(compiled, inputs);
  return (['nan', 'large'] as const).flatMap((pattern) => {
    try {
      return resultDifferences(`poisoned with ${pattern}`, runOnce(compiled, inputs, pattern), clean);
    } catch (error) {
      return [`poisoned with ${pattern}: ${error instanceof Error ? error.message : String(error)}`];
    }
  });
}

export function arenaCheck(compiled: Compiled, inputs: Inputs): readonly string[] {
  const execution = createExecution(compiled, { seed: runSeed, backend });
  execution.setInputs(inputs);
  const measured = execution.machine.measureArena();
  const { arenaBytes, liveBytes } = compiled.figures;
  const faults: string[] = [];
  if (measured !== arenaBytes) faults.push(`measured arena ${measured}, planned ${arenaBytes}`);
  if (arenaBytes < liveBytes) faults.push(`arena ${arenaBytes} is below live bytes ${liveBytes}`);
  return faults;
}

/** Offsets of the memory plan against the lifetimes of the scheduled graph, by the independent checker. */
export function placementCheck(graph: Graph, memory: MemoryPlan): readonly string[] {
  const index = indexPlanGraph(toPlanGraph(graph));
  const sequence = Int32Array.from(graph.nodes.keys());
  const simulation = simulate(index, sequence);
  const intervals = arenaIntervals(index, sequence, simulation);
  const offsets = new Float64Array(intervals.start.length);
  const faults: string[] = [];
  let copy = 0;
  for (const node of graph.nodes)
    for (const result of node.results) {
      const storage = simulation.copyStorage[copy++]!;
      const owner = storage >= 0 && index.view[copy - 1 + index.inputCount]! < 0;
      if (owner) offsets[storage] = memory.offsets.get(result.name)!;
    }
  intervals.scratchSteps.forEach((step, k) => {
    offsets[intervals.storageCount + k] = memory.scratch.get(graph.nodes[step]!.name)!;
  });
  for (let k = 0; k < intervals.storageCount; k++)
    if (offsets[k] !== offsets[intervals.root[k]!]! + intervals.within[k]!)
      faults.push(`storage ${k} is not at its place within storage ${intervals.root[k]}`);
  const overlaps = checkPlacement(intervals, offsets).map((overlap) => `overlap: ${JSON.stringify(overlap)}`);
  return [...faults, ...overlaps];
}

export function graphCheck(compiled: Compiled): readonly string[] {
  return [...verifyGraph(compiled.graph), ...checkCollapseLaw(compiled.planned, compiled.graph)].map(formatDiagnostic);
}

export function textCheck(graph: Graph): readonly string[] {
  const text = printGraph(graph);
  const again = printGraph(parseGraph(text));
  return text === again ? [] : ['the text does not print back to itself'];
}

/** An executor that knows nothing of the plan must reach the planned peak. */
export function fifoCheck(compiled: Compiled): readonly string[] {
  const index = indexPlanGraph(toPlanGraph(compiled.graph));
  const { liveBytes } = simulate(index, fifoOrder(compiled.graph));
  return liveBytes <= compiled.figures.liveBytes
    ? []
    : [`first-in-first-out execution peaks at ${liveBytes}, planned ${compiled.figures.liveBytes}`];
}

/** A saved plan gives the same program again. */
export function planFileCheck(compiled: Compiled): readonly string[] {
  const text = printPlanFile(compiled.planned, compiled.plan, compiled.memory);
  const plan = planFromFile(parsePlanFile(text, 'test'), compiled.planned, 'test');
  const same = JSON.stringify(plan.sequence) === JSON.stringify(compiled.plan.sequence);
  return same && printPlanFile(compiled.planned, plan, compiled.memory) === text
    ? []
    : ['the plan file reads back to another plan'];
}

export function allChecks(compiled: Compiled, reference: Results, inputs: Inputs): readonly string[] {
  return [
    ...graphCheck(compiled),
    ...textCheck(compiled.graph),
    ...planFileCheck(compiled),
    ...placementCheck(compiled.graph, compiled.memory),
    ...bitwiseCheck(compiled, reference, inputs),
    ...poisonCheck(compiled, inputs),
    ...arenaCheck(compiled, inputs),
  ];
}

/** A compiled step whose scheduled graph was changed by hand, placed and lowered anew. */
export function withGraph(compiled: Compiled, graph: Graph): Compiled {
  const memory = planMemory(graph);
  return { ...compiled, graph, memory, program: lowerToProgram(graph, memory) };
}

/** A compiled step whose memory plan was changed by hand. */
export function withMemory(compiled: Compiled, memory: MemoryPlan): Compiled {
  return { ...compiled, memory, program: lowerToProgram(compiled.graph, memory) };
}
