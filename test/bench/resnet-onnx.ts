/** ResNet-18 as an ONNX file, as an exporter writes it for inference: the same file for us and for other libraries. */
import type { NodeProto, TensorProto } from 'onnx-buf';
import type { Tensor } from '../../src/ir/graph.ts';
import { initializer, input, modelBytes, node } from '../frontend/onnx-models.ts';
import { drawTensor, numbers } from '../op-check.ts';

/** Reads `images`, f32[batch,3,extent,extent], and gives `logits`, f32[batch,classes]. Weights are drawn by seed. */
export function resNet18Onnx(batch = 8, extent = 224, classes = 1000): Uint8Array {
  const nodes: NodeProto[] = [];
  const initializers: TensorProto[] = [];
  const store = (name: string, tensor: Tensor): string => {
    initializers.push(initializer(name, tensor));
    return name;
  };
  /** Uniform in the bounds of He et al. 2015, so that numbers neither vanish nor explode. */
  const drawn = (name: string, shape: readonly number[], inputs: number): string => {
    const bound = Math.sqrt(6 / inputs);
    return store(name, drawTensor({ dtype: 'f32', shape }, numbers(initializers.length), [-bound, bound]));
  };
  const filled = (name: string, length: number, value: number): string =>
    store(name, { type: { dtype: 'f32', shape: [length] }, data: new Float32Array(length).fill(value) });
  const emit = (type: string, operands: readonly string[], attributes: Parameters<typeof node>[3] = {}): string => {
    const name = `${type.toLowerCase()}${nodes.length}`;
    nodes.push(node(type, operands, name, attributes));
    return name;
  };
  /** A convolution with the batch norm after it. */
  const conv = (x: string, channels: number, filters: number, kernel: number, stride: number): string => {
    const pad = (kernel - 1) / 2;
    const layer = `layer${nodes.length}`;
    const weight = drawn(`${layer}.weight`, [filters, channels, kernel, kernel], channels * kernel * kernel);
    const y = emit('Conv', [x, weight], {
      kernel_shape: [kernel, kernel],
      strides: [stride, stride],
      pads: [pad, pad, pad, pad],
    });
    const statistics = Object.entries({ scale: 1, bias: 0.1, mean: 0.1, var: 1.5 });
    return emit('BatchNormalization', [y, ...statistics.map(([n, value]) => filled(`${layer}.${n}`, filters, value))]);
  };
  const relu = (x: string): string => emit('Relu', [x]);

  let h = emit('MaxPool', [relu(conv('images', 3, 64, 7, 2))], {
    kernel_shape: [3, 3],
    strides: [2, 2],
    pads: [1, 1, 1, 1],
  });
  let channels = 64;
  for (const [stage, filters] of [64, 128, 256, 512].entries())
    for (let block = 0; block < 2; block++) {
      const stride = stage > 0 && block === 0 ? 2 : 1;
      const residual = conv(relu(conv(h, channels, filters, 3, stride)), filters, filters, 3, 1);
      h = relu(emit('Add', [residual, stride === 1 ? h : conv(h, channels, filters, 1, stride)]));
      channels = filters;
    }
  const features = emit('Flatten', [emit('GlobalAveragePool', [h])], { axis: 1 });
  const weight = drawn('fc.weight', [classes, channels], channels);
  nodes.push(node('Gemm', [features, weight, filled('fc.bias', classes, 0)], 'logits', { transB: 1 }));
  const inputs = [input('images', [batch, 3, extent, extent])];
  return modelBytes({ nodes, inputs, outputs: ['logits'], initializers });
}
