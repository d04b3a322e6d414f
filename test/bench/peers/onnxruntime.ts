/**
 * onnxruntime-web on one thread with its WebAssembly kernels, where it is installed: whole models, and single operators.
 */
import type * as Ort from 'onnxruntime-web';
import type { Tensor } from '../../../src/ir/graph.ts';
import { type AttributeInput, initializer, modelBytes, node } from '../../frontend/onnx-models.ts';
import { drawTensor, numbers } from '../../op-check.ts';

export interface OnnxOperator {
  readonly type: string;
  /** Shapes of operands to be drawn, or tensors. */
  readonly operands: readonly (readonly number[] | Tensor)[];
  readonly attributes?: Readonly<Record<string, AttributeInput>>;
}

export interface OnnxRuntime {
  session(model: Uint8Array, optimization?: 'all' | 'disabled'): Promise<Ort.InferenceSession>;
  tensor(data: Float32Array, shape: readonly number[]): Ort.Tensor;
  /** A session that runs one operator on each call of `run({})`. */
  operator(operator: OnnxOperator): Promise<Ort.InferenceSession>;
}

/** Undefined where it is not installed. */
export async function loadOnnxRuntime(): Promise<OnnxRuntime | undefined> {
  const ort = await import('onnxruntime-web').catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND') return undefined;
    throw error;
  });
  if (ort === undefined) return undefined;
  ort.env.wasm.numThreads = 1;
  const session: OnnxRuntime['session'] = (model, optimization = 'all') =>
    ort.InferenceSession.create(model, { executionProviders: ['wasm'], graphOptimizationLevel: optimization });
  return {
    session,
    tensor: (data, shape) => new ort.Tensor('float32', data, shape),
    operator: (operator) => session(operatorModel(operator), 'disabled'),
  };
}

/**
 * Nothing but the operator is timed: its operands are stored in the model, and only the shape of its result leaves it,
 * so no tensor is copied between JavaScript and WebAssembly. Without optimization nothing of that is computed ahead,
 * but what kernels do to stored weights when they are loaded: MatMul packs its right operand.
 */
function operatorModel({ type, operands, attributes }: OnnxOperator): Uint8Array {
  const tensors = operands.map((operand, i) =>
    'type' in operand ? operand : drawTensor({ dtype: 'f32', shape: operand }, numbers(i + 1), [-1, 1]),
  );
  const names = tensors.map((_, i) => `operand${i}`);
  return modelBytes({
    nodes: [node(type, names, 'result', attributes), node('Shape', ['result'], 'shape')],
    outputs: ['shape'],
    initializers: tensors.map((tensor, i) => initializer(names[i]!, tensor)),
    opset: 20,
  });
}
