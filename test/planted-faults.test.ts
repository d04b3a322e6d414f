/**
 * Planted faults: each of these is a bug somebody could write. Every one must be caught by a check that also runs on
 * every compiled step, and the step it was planted in must be clean before.
 */
import { describe, expect, it } from 'vitest';
import { resolvePipeline } from '../passes/pass-manager.ts';
import { parsePipeline } from '../passes/pipeline.ts';
import { recompute } from '../passes/recompute.ts';
import { checkCollapseLaw } from '../src/analysis/collapse.ts';
import { verifyGraph } from '../src/analysis/verify.ts';
import { stepInputs } from '../src/cli/step-inputs.ts';
import type { Compiled } from '../src/compile.ts';
import { ModelBuilder } from '../src/frontend/builder/model-builder.ts';
import type { Graph, Node } from '../src/ir/graph.ts';
import { opNamed } from '../src/ops/table.ts';
import {
  allChecks,
  arenaCheck,
  bitwiseCheck,
  compileWith,
  fifoCheck,
  graphCheck,
  type Inputs,
  placementCheck,
  poisonCheck,
  runOnce,
  withGraph,
  withMemory,
} from './differential-checks.ts';
import { checkInPlace, type Permits } from './ops/in-place-check.ts';

/** Twelve wide layers on narrow weights, batch norm in the middle, a weight that three layers share. */
function buildModel() {
  const m = new ModelBuilder('victim');
  const shared = m.parameter('shared', [16, 16]);
  let h = m.input('x', [64, 16]);
  for (let layer = 0; layer < 12; layer++) {
    h = layer % 4 === 1 ? m.matmul(h, shared) : m.linear(h, 16);
    if (layer === 5) h = m.batchNorm(h);
    h = m.tanh(h);
  }
  m.loss(m.meanSquaredError(h, m.input('target', [64, 16])));
  return m.finish();
}

const model = buildModel();
const plain = compileWith(model, model.losses, 'none');
const inputs: Inputs = stepInputs(plain.graph, new Map(), 3).tensors;
const reference = runOnce(plain, inputs);
const clean = compileWith(model, model.losses, 'memory');

function replaceNode(graph: Graph, name: string, change: (node: Node) => Node): Graph {
  return { ...graph, nodes: graph.nodes.map((node) => (node.name === name ? change(node) : node)) };
}

const clones = clean.graph.nodes.filter((node) => node.recompute !== undefined);

describe('the step in which faults are planted', () => {
  it('has clones with ordering edges, and passes every check', () => {
    expect(clones.filter((node) => node.after !== undefined).length).toBeGreaterThan(1);
    expect([...allChecks(clean, reference, inputs), ...fifoCheck(clean)]).toEqual([]);
  });
});

describe('a planted fault is caught', () => {
  it('an ordering edge dropped: by the executor that runs what is ready', () => {
    const caught = clones
      .filter((node) => node.after !== undefined)
      .filter((clone) => {
        const graph = replaceNode(clean.graph, clone.name, ({ after: _after, ...node }) => node);
        return fifoCheck({ ...clean, graph }).length > 0;
      });
    expect(caught.length).toBeGreaterThan(0);
  });

  it('bytes freed one step early: by poison', () => {
    const steps = clean.program.steps;
    let planted = 0;
    for (let s = 1; s < steps.length - 1; s++) {
      const range = steps[s]!.frees[0];
      const reads = steps[s]!.calls.length > 0;
      if (range === undefined || !reads || range.start === range.end) continue;
      if (steps[s]!.op === 'batch_norm_update') continue;
      const moved = steps.map((step, k) =>
        k === s - 1
          ? { ...step, frees: [...step.frees, range] }
          : k === s
            ? { ...step, frees: step.frees.filter((other) => other !== range) }
            : step,
      );
      const faulty: Compiled = { ...clean, program: { ...clean.program, steps: moved } };
      // A range that a step itself writes before it dies is not read by it: only ranges older than the step count.
      if (poisonCheck(faulty, inputs).length > 0) planted++;
    }
    expect(planted).toBeGreaterThan(5);
  });

  it('two live offsets overlapping: by the placement checker and by the results', () => {
    const forward = clean.graph.nodes.filter((node) => node.region === 'forward' && node.op === 'tanh');
    const offsets = new Map(clean.memory.offsets);
    const first = forward[0]!.name;
    const checkpoint = clean.graph.nodes.find(
      (node) =>
        node.name !== first &&
        offsets.get(node.name) !== offsets.get(first) &&
        node.op === 'matmul' &&
        node.region === 'forward',
    )!;
    offsets.set(first, offsets.get(checkpoint.name)! + 64);
    const faulty = withMemory(clean, { ...clean.memory, offsets });
    expect(placementCheck(faulty.graph, faulty.memory)).not.toEqual([]);
    expect(bitwiseCheck(faulty, reference, inputs)).not.toEqual([]);
  });

  it('an arena stated smaller than it is: by measuring it', () => {
    const faulty: Compiled = { ...clean, figures: { ...clean.figures, arenaBytes: clean.figures.arenaBytes - 64 } };
    expect(arenaCheck(faulty, inputs)).not.toEqual([]);
  });

  it('a state node cloned: by the rewrite, and by the verifier', () => {
    const state = clean.planned.nodes.find((node) => node.op === 'batch_norm_update')!;
    const sequence = [...clean.plan.sequence, state.name];
    expect(() => recompute(clean.planned, sequence)).toThrow('may run only once a step');
    const rename = (name: string): string => `${name}.r1`;
    const clone: Node = {
      ...state,
      name: rename(state.name),
      results: state.results.map((result) => ({ ...result, name: rename(result.name) })),
      recompute: state.name,
    };
    const graph = { ...clean.graph, nodes: [...clean.graph.nodes, clone] };
    expect(verifyGraph(graph)).not.toEqual([]);
    expect(bitwiseCheck(withGraph(clean, graph), reference, inputs)).not.toEqual([]);
  });

  it('cse after recompute: by the pass manager', () => {
    expect(() => resolvePipeline(parsePipeline('autodiff,plan,recompute,cse,memory-plan'))).toThrow(
      'must not run after',
    );
  });

  it('two gradient additions swapped: by the collapse law', () => {
    const sums = clean.graph.nodes.filter(
      (node) => node.region === 'backward' && node.op === 'add' && node.name.includes('.sum'),
    );
    expect(sums.length).toBeGreaterThan(0);
    const sum = sums[0]!;
    const graph = replaceNode(clean.graph, sum.name, (node) => ({ ...node, operands: [...node.operands].reverse() }));
    expect(checkCollapseLaw(clean.planned, graph)).not.toEqual([]);
  });

  it('a reader forgotten: its operand dies early, and poison shows it', () => {
    const reader = clean.graph.nodes.find((node) => node.op === 'tanh_grad')!;
    const last = reader.operands.at(-1)!;
    const at = clean.graph.nodes.indexOf(reader);
    const offset = clean.memory.offsets.get(last.name)!;
    const steps = clean.program.steps.map((step, k) =>
      k === at - 1 ? { ...step, frees: [...step.frees, { start: offset, end: offset + 64 }] } : step,
    );
    expect(poisonCheck({ ...clean, program: { ...clean.program, steps } }, inputs)).not.toEqual([]);
  });

  it('an output bound to a clone: by the collapse law or the verifier', () => {
    const clone = clones[0]!;
    const graph = {
      ...clean.graph,
      outputs: [...clean.graph.outputs, { name: 'extra', value: clone.name }],
    };
    expect([...checkCollapseLaw(clean.planned, graph), ...verifyGraph(graph)]).not.toEqual([]);
  });

  it('a donor that lies inside its storage, and another operand in the storage taken over: by calls in place', () => {
    const caught = (name: string, permits: Permits): readonly string[] => checkInPlace(opNamed(name), permits).faults;
    const allow: Permits = () => true;
    expect(caught('cumsum', allow).some((fault) => fault.includes('inside 0'))).toBe(true);
    expect(caught('add', allow).some((fault) => fault.includes('shifted 0 1'))).toBe(true);
    expect(caught('scatter_elements', allow).some((fault) => fault.includes('same 0 2'))).toBe(true);
    expect(caught('scatter_nd', allow).some((fault) => fault.includes('same 0 2'))).toBe(true);
  });

  it('dropouts of different sites merged: by the results', () => {
    const m = new ModelBuilder('dropped');
    const x = m.input('x', [16, 16]);
    m.loss(m.sum(m.add(m.dropout(x, 0.5), m.dropout(x, 0.5))));
    const dropped = m.finish();
    const step = compileWith(dropped, dropped.losses, 'none');
    const given: Inputs = stepInputs(step.graph, new Map(), 3).tensors;
    const sites = step.graph.nodes.filter((node) => node.op === 'dropout' && node.region === 'forward');
    expect(sites.length).toBe(2);
    const graph = replaceNode(step.graph, sites[1]!.name, (node) => ({ ...node, attributes: sites[0]!.attributes }));
    expect(bitwiseCheck(withGraph(step, graph), runOnce(step, given), given)).not.toEqual([]);
  });

  it('an operand redirected to another value: by the collapse law', () => {
    const reader = clean.graph.nodes.find(
      (node) => node.op === 'tanh_grad' && clones.some((clone) => clone.name === node.operands[1]!.name),
    )!;
    const other = clones.find(
      (clone) => clone.results[0]!.type.shape.join() === '64,16' && clone.name !== reader.operands[1]!.name,
    )!;
    const graph = replaceNode(clean.graph, reader.name, (node) => ({
      ...node,
      operands: [node.operands[0]!, other.results[0]!],
    }));
    expect(graphCheck({ ...clean, graph })).not.toEqual([]);
  });
});
