/** What other libraries have beside the rows of test/bench/stream-rows.ts, by label: the same shapes, channels first. */
import * as tf from '@tensorflow/tfjs';
import { drawTensor, numbers } from '../../op-check.ts';
import { streamFloats } from '../stream-rows.ts';
import type { OnnxOperator } from './onnxruntime.ts';

const flat = [streamFloats];
const rows = [6000, 1000];
const images = [8, 60, 12500];
const planes = [8, 60, 112, 112];
const axes = { type: { dtype: 'i64', shape: [1] }, data: [0] } as const;
const positive = drawTensor({ dtype: 'f32', shape: [60] }, numbers(9), [0.5, 1.5]);
const pooling = { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] };

export const onnxStreams: Readonly<Record<string, OnnxOperator>> = {
  add: { type: 'Add', operands: [flat, flat] },
  'add a row': { type: 'Add', operands: [rows, [1000]] },
  'multiply by a column': { type: 'Mul', operands: [rows, [6000, 1]] },
  relu: { type: 'Relu', operands: [flat] },
  'batch norm, given statistics': { type: 'BatchNormalization', operands: [images, [60], [60], [60], positive] },
  'layer norm, rows of 1000': {
    type: 'LayerNormalization',
    operands: [rows, [1000], [1000]],
    attributes: { axis: -1 },
  },
  'softmax, rows of 1000': { type: 'Softmax', operands: [rows], attributes: { axis: -1 } },
  exp: { type: 'Exp', operands: [flat] },
  tanh: { type: 'Tanh', operands: [flat] },
  gelu: { type: 'Gelu', operands: [flat] },
  sum: { type: 'ReduceSum', operands: [flat, axes], attributes: { keepdims: 0 } },
  'column sums': { type: 'ReduceSum', operands: [rows, axes], attributes: { keepdims: 0 } },
  'transpose 2400x2500': { type: 'Transpose', operands: [[2400, 2500]], attributes: { perm: [1, 0] } },
  'max pool 3x3/2': { type: 'MaxPool', operands: [planes], attributes: pooling },
};

type Operator = (x: tf.Tensor, y: tf.Tensor) => tf.Tensor;

/** Shapes of two operands, and what is done with them. Pooling has its channels last here, as TensorFlow.js has it. */
export const tensorflowStreams: Readonly<Record<string, readonly [number[], number[], Operator]>> = {
  add: [flat, flat, (x, y) => tf.add(x, y)],
  'add a row': [rows, [1000], (x, y) => tf.add(x, y)],
  'multiply by a column': [rows, [6000, 1], (x, y) => tf.mul(x, y)],
  relu: [flat, [1], (x) => tf.relu(x)],
  'softmax, rows of 1000': [rows, [1], (x) => tf.softmax(x)],
  exp: [flat, [1], (x) => tf.exp(x)],
  tanh: [flat, [1], (x) => tf.tanh(x)],
  sum: [flat, [1], (x) => tf.sum(x)],
  'column sums': [rows, [1], (x) => tf.sum(x, 0)],
  'transpose 2400x2500': [[2400, 2500], [1], (x) => tf.transpose(x)],
  'max pool 3x3/2': [[8, 112, 112, 60], [1], (x) => tf.maxPool(x as tf.Tensor4D, 3, 2, 'same')],
};
