/**
 * The slimmed models of the ONNX project with weights made by the hash rule, and how far their gradients are from the
 * reference, which states of each gradient its norm, its sum and eight elements.
 */
import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { z } from 'zod';
import type { BackendChoice } from '../../runtime/select-backend.ts';
import { compile } from '../../src/compile.ts';
import { bitwiseDifferences, createExecution } from '../../src/execution.ts';
import { attachCotangents, type ModelWithLoss } from '../../src/frontend/loss.ts';
import { importOnnx } from '../../src/frontend/onnx/import.ts';
import { fillWeights, hashNumbers } from '../../src/frontend/weights.ts';
import { elementCount, type Tensor, valuesByName } from '../../src/ir/graph.ts';

const gradientSchema = z.object({
  shape: z.array(z.number()),
  l2: z.number(),
  sum: z.number(),
  at: z.array(z.number()).min(1),
  values: z.array(z.number()).min(1),
});

const referenceSchema = z.record(
  z.string(),
  z.object({
    input: z.string(),
    shape: z.array(z.number()),
    gain: z.number(),
    differentiate_at: z.string(),
    loss: z.number(),
    logits: z.array(z.number()).min(1),
    grads: z.record(z.string(), gradientSchema),
    f32_global_relL2: z.number(),
    f32_worst_tensor_relL2: z.number(),
  }),
);

type LightReference = z.infer<typeof referenceSchema>[string];
type GradientReference = z.infer<typeof gradientSchema>;

interface LightModel extends Omit<ModelWithLoss, 'notes'> {
  readonly reference: LightReference;
  readonly inputs: ReadonlyMap<string, Tensor>;
}

function readReference(directory: string, name: string): LightReference {
  return referenceSchema.parse(JSON.parse(readFileSync(`${directory}/reference.json`, 'utf8')))[name]!;
}

/** The model up to the value the reference differentiates at, which lies before a softmax and is no output of the file. */
function loadLightModel(directory: string, name: string): LightModel {
  const reference = readReference(directory, name);
  const { model: imported, placeholders } = importOnnx(readFileSync(`${directory}/${name}.onnx`));
  const filled = fillWeights(imported, { kind: 'hash', gain: reference.gain }, 0, placeholders);
  const at = valuesByName(filled.graph).get(reference.differentiate_at)!;
  const outputs = [{ name: 'logits', value: at.name }];
  const { model, loss } = attachCotangents({ ...filled, graph: { ...filled.graph, outputs } }, [0]);
  const inputs = new Map([
    [reference.input, hashTensor('input', reference.shape)],
    ['cotangent_0', hashTensor('cotangent', at.type.shape)],
  ]);
  return { model, loss, reference, inputs };
}

function hashTensor(name: string, shape: readonly number[]): Tensor {
  return { type: { dtype: 'f32', shape }, data: Float32Array.from(hashNumbers(name, elementCount(shape))) };
}

/**
 * The model's loss, logits and gradients under the first strategy, within the reference's tolerances, and bit for bit the
 * same under the others. Fails the test where anything is wrong.
 */
export function checkLightModel(
  directory: string,
  name: string,
  strategies: readonly string[],
  backend: BackendChoice = 'auto',
): void {
  const { model, loss, reference, inputs } = loadLightModel(directory, name);
  let plain: ReadonlyMap<string, Tensor> | undefined;
  for (const strategy of strategies) {
    const compiled = compile(model, { losses: [loss], strategy, wrtValues: Object.keys(reference.grads) });
    const execution = createExecution(compiled, { backend });
    execution.setInputs(inputs);
    execution.machine.run();
    const outputs = execution.outputs();
    if (plain === undefined) {
      plain = outputs;
      checkResults(outputs, reference);
    }
    expect(bitwiseDifferences(plain, outputs), strategy).toEqual([]);
  }
}

function checkResults(outputs: ReadonlyMap<string, Tensor>, reference: LightReference): void {
  const relative = (actual: number, expected: number): number => Math.abs(actual - expected) / Math.abs(expected);
  expect(relative(outputs.get('loss')!.data[0]!, reference.loss), 'loss').toBeLessThan(1e-4);
  reference.logits.forEach((expected, i) => {
    expect(Math.abs(outputs.get('logits')!.data[i]! - expected)).toBeLessThanOrEqual(1e-5 + 1e-3 * Math.abs(expected));
  });
  const perTensor = Math.max(1e-2, 5 * reference.f32_worst_tensor_relL2);
  const { global, beyond } = gradientErrors(outputs, reference, perTensor);
  expect(beyond).toEqual([]);
  expect(global).toBeLessThanOrEqual(Math.max(1e-3, 5 * reference.f32_global_relL2));
}

interface GradientErrors {
  /** Relative to the norm of all gradients together. */
  readonly global: number;
  /** Tensors whose own relative error is beyond the tolerance, worst first. */
  readonly beyond: readonly string[];
}

/**
 * What the norms, sums and sampled elements say of ||g - r|| / ||r||. The differences of norms, and those of sums over
 * the root of the element count (Cauchy-Schwarz), are lower bounds of ||g - r||; the sampled elements estimate it.
 */
function gradientErrors(
  outputs: ReadonlyMap<string, Tensor>,
  reference: LightReference,
  tolerance: number,
): GradientErrors {
  const beyond: [string, number][] = [];
  let errors = 0;
  let squares = 0;
  for (const [name, expected] of Object.entries(reference.grads)) {
    const gradient = outputs.get(`d_${name}`);
    const error = gradient === undefined ? Number.NaN : absoluteError(gradient, expected);
    errors += error ** 2;
    squares += expected.l2 ** 2;
    const relative = expected.l2 === 0 ? error : error / expected.l2;
    if (!(relative <= tolerance)) beyond.push([name, relative]);
  }
  beyond.sort((a, b) => b[1] - a[1]);
  return {
    global: Math.sqrt(errors / squares),
    beyond: beyond.map(([name, relative]) => `${name}: ${relative.toExponential(2)}`),
  };
}

/** In the 2-norm; NaN where the shapes differ. */
function absoluteError({ type, data }: Tensor, { shape, l2, sum, at, values }: GradientReference): number {
  if (type.shape.length !== shape.length || type.shape.some((extent, d) => extent !== shape[d])) return Number.NaN;
  let ownSum = 0;
  let ownSquares = 0;
  for (const x of data) {
    ownSum += x;
    ownSquares += x * x;
  }
  const sampled = at.reduce((total, position, i) => total + (data[position]! - values[i]!) ** 2, 0);
  return Math.max(
    Math.abs(Math.sqrt(ownSquares) - l2),
    Math.abs(ownSum - sum) / Math.sqrt(data.length),
    Math.sqrt((sampled / at.length) * data.length),
  );
}
