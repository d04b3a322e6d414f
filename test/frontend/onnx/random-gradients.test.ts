/**
 * Every ONNX operator with a gradient, from file to backward pass: random nodes are imported and differentiated, and the
 * gradients held against central differences in double precision. Extents of 0, scalars, broadcasting and negative axes
 * are among what is drawn.
 */
import { describe, expect, it } from 'vitest';
import { differentiate } from '../../../passes/autodiff.ts';
import { attachCotangents } from '../../../src/frontend/loss.ts';
import { importOnnx } from '../../../src/frontend/onnx/import.ts';
import { onnxOperators } from '../../../src/frontend/onnx/operators.ts';
import { type Model, type Tensor, valuesByName } from '../../../src/ir/graph.ts';
import { doubleMemory } from '../../double-memory.ts';
import { drawTensor, evaluateNodes, numbers } from '../../op-check.ts';
import { contribNodes } from './random-contrib-nodes.ts';
import { describeNode, nodeBytes, nodeInputs } from './random-models.ts';
import { Draw, type RandomNode, randomNodes } from './random-nodes.ts';

const everyNode = { ...randomNodes, ...contribNodes };
const casesEach = Number(process.env.SUBLINEAR_CASES ?? 12);

/** Every value of the graph, in double precision. */
function evaluateDoubles({ graph, weights }: Model, inputs: ReadonlyMap<string, Tensor>): ReadonlyMap<string, Tensor> {
  const values = new Map([...weights, ...inputs]);
  evaluateNodes(graph.nodes, values, doubleMemory);
  return values;
}

/** What is wrong with the gradients of one node; undefined where no output depends on a float differentiably. */
function gradientFaults(operator: string, drawn: RandomNode, seed: number): readonly string[] | undefined {
  const { model } = importOnnx(nodeBytes(operator, drawn));
  const { graph } = model;
  const types = valuesByName(graph);
  const floats = graph.outputs.flatMap(({ value }, i) => (types.get(value)!.type.dtype === 'f32' ? [i] : []));
  const sources = [...graph.inputs, ...graph.parameters].filter(({ type }) => type.dtype === 'f32');
  if (floats.length === 0 || sources.length === 0) return undefined;
  const withLoss = attachCotangents(model, floats);
  const next = numbers(seed);
  const inputs = new Map(nodeInputs(drawn));
  for (const input of withLoss.model.graph.inputs)
    if (!inputs.has(input.name)) inputs.set(input.name, drawTensor(input.type, next, [-1, 1]));
  const wrt = sources.map(({ name }) => name);
  const differentiated = differentiate(withLoss.model, { losses: [withLoss.loss], wrt });
  const values = evaluateDoubles(differentiated, inputs);
  const faults: string[] = [];
  for (const source of sources) {
    const gradient = values.get(differentiated.graph.outputs.find(({ of }) => of === source.name)!.value)!;
    expect(gradient.type, describeNode(operator, drawn)).toEqual(source.type);
    const direction = drawTensor(source.type, next, [-1, 1]);
    const slope = Array.from(direction.data, (x, i) => x * gradient.data[i]!).reduce((sum, x) => sum + x, 0);
    const lossAt = (distance: number): number => {
      const { type, data } = inputs.get(source.name) ?? model.weights.get(source.name)!;
      const moved = { type, data: Array.from(data, (x, i) => x + distance * direction.data[i]!) };
      const from = { graph: withLoss.model.graph, weights: new Map(withLoss.model.weights) };
      if (inputs.has(source.name)) return lossOf(from, new Map([...inputs, [source.name, moved]]), withLoss.loss);
      from.weights.set(source.name, moved);
      return lossOf(from, inputs, withLoss.loss);
    };
    const step = 1e-5;
    const difference = (lossAt(step) - lossAt(-step)) / (2 * step);
    const error = Math.abs(slope - difference) / Math.max(1, Math.abs(difference));
    if (source.type.shape.includes(0) ? slope !== 0 : !(error < 1e-5))
      faults.push(`${describeNode(operator, drawn)}: d_${source.name} gives ${slope}, differences ${difference}`);
  }
  return faults;
}

function lossOf(model: Model, inputs: ReadonlyMap<string, Tensor>, loss: string): number {
  return evaluateDoubles(model, inputs).get(loss)!.data[0]!;
}

/** Its gradient is not the derivative, on purpose: it passes straight through the rounding. */
const straightThrough = 'QuantizeLinear';

const differentiable = new Set(
  onnxOperators.filter(({ onnx, gradient }) => gradient && onnx !== straightThrough).map(({ onnx }) => onnx),
);

describe('gradients of random nodes', () => {
  it.each(Object.entries(everyNode).filter(([operator]) => differentiable.has(operator)))('%s', (operator, rule) => {
    const faults: string[] = [];
    let checked = 0;
    for (let i = 0; i < casesEach; i++) {
      const found = gradientFaults(operator, rule(new Draw(i, { smooth: true })), i);
      if (found === undefined) continue;
      checked++;
      faults.push(...found);
    }
    expect(faults).toEqual([]);
    expect(checked).toBeGreaterThan(casesEach / 2);
  });
});
