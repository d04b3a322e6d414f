/** Random graphs of one node, forward, against onnxruntime. */
import { describe, expect, it } from 'vitest';
import { importOnnx } from '../../../src/frontend/onnx/import.ts';
import { trainingDomain } from '../../../src/frontend/onnx/lowerings/training.ts';
import { onnxOperators } from '../../../src/frontend/onnx/operators.ts';
import { formatType, sameType, type Tensor } from '../../../src/ir/graph.ts';
import { evaluateGraph } from '../../evaluate-graph.ts';
import { loadOrt } from './ort.ts';
import { contribNodes } from './random-contrib-nodes.ts';
import { describeNode, nodeBytes, nodeInputs, nodeOutputs } from './random-models.ts';
import { Draw, randomNodes } from './random-nodes.ts';

const ort = await loadOrt();
const everyNode = { ...randomNodes, ...contribNodes };
const casesEach = Number(process.env.SUBLINEAR_CASES ?? 20);

/** Operators that have no random nodes, and why. */
const leftOut: Readonly<Record<string, string>> = {
  Bernoulli: 'draws numbers of its own',
  Constant: 'has no operands',
  RandomNormal: 'draws numbers of its own',
  RandomNormalLike: 'draws numbers of its own',
  RandomUniform: 'draws numbers of its own',
  RandomUniformLike: 'draws numbers of its own',
  Scatter: 'the former name of ScatterElements',
  'com.microsoft.SimplifiedLayerNormalization': 'as that of the standard',
  'com.microsoft.TransposeMatMul': 'the former name of FusedMatMul',
};

/** Operators that onnxruntime has for other devices only. */
const elsewhere: ReadonlySet<string> = new Set(['com.microsoft.BiasAdd', 'com.microsoft.BiasSplitGelu']);

function difference(actual: Tensor, expected: Tensor): string | undefined {
  if (!sameType(actual.type, expected.type))
    return `${formatType(actual.type)} here, ${formatType(expected.type)} there`;
  for (let i = 0; i < expected.data.length; i++) {
    const a = actual.data[i]!;
    const b = expected.data[i]!;
    if (a === b || Object.is(a, b) || Math.abs(a - b) <= 1e-5 + 1e-4 * Math.abs(b)) continue;
    return `element ${i} is ${a} here, ${b} there`;
  }
  return undefined;
}

describe('random nodes', () => {
  it('are there for every operator', () => {
    const isTraining = (name: string): boolean => name.startsWith(trainingDomain);
    const names = onnxOperators.map(({ onnx }) => onnx).filter((name) => !isTraining(name) && !(name in leftOut));
    expect(Object.keys(everyNode).sort()).toEqual(names);
  });

  it('are imported and evaluated, onnxruntime or not', () => {
    for (const [operator, rule] of Object.entries(everyNode))
      for (let i = 0; i < 10; i++) {
        const drawn = rule(new Draw(i));
        const values = evaluateGraph(importOnnx(nodeBytes(operator, drawn)).model, nodeInputs(drawn));
        for (const name of nodeOutputs(drawn)) expect(values.has(name), describeNode(operator, drawn)).toBe(true);
      }
  });
});

describe.skipIf(ort === undefined)('as onnxruntime has it', () => {
  it.each(Object.entries(everyNode).filter(([operator]) => !elsewhere.has(operator)))('%s', async (operator, rule) => {
    const faults: string[] = [];
    let compared = 0;
    for (let i = 0; i < casesEach; i++) {
      const drawn = rule(new Draw(1000 + i));
      const bytes = nodeBytes(operator, drawn);
      const fed = nodeInputs(drawn);
      // onnxruntime refuses some of what the specification allows, such as most extents of 0 in a MatMul.
      const expected = await ort!.run(bytes, fed).catch(() => undefined);
      if (expected === undefined) continue;
      compared++;
      const values = evaluateGraph(importOnnx(bytes).model, fed);
      for (const name of nodeOutputs(drawn)) {
        const fault = difference(values.get(name)!, expected.get(name)!);
        if (fault !== undefined) faults.push(`${describeNode(operator, drawn)}: ${name}: ${fault}`);
      }
    }
    expect(faults).toEqual([]);
    expect(compared, 'cases that onnxruntime took').toBeGreaterThan(casesEach / 2);
  });
});
