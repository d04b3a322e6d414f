/** Products and convolutions of onnxruntime that do more in one node than the standard's. */
import type { Value } from '../../../ir/graph.ts';
import { permuted, scaled } from '../compose.ts';
import type { LoweringContext, OnnxLowering } from '../lowering.ts';
import { contribDomain, fusedActivation, plus } from './contrib.ts';
import { lowerConv } from './convolution.ts';
import { lowerGemm, matrixProduct } from './matmul.ts';

/** `x` with its first dimension moved before its last, where that is asked for. */
function batchMoved(c: LoweringContext, x: Value, attribute: string): Value {
  if (c.attributes.int(attribute, 0) === 0) return x;
  const rank = x.type.shape.length;
  if (rank < 3) c.fail(`${attribute} needs a factor of rank 3 or more, not ${rank}`);
  return permuted(c, x, [...Array.from({ length: rank - 2 }, (_, d) => d + 1), 0, rank - 1]);
}

function lowerFusedMatMul(c: LoweringContext): Value {
  const a = batchMoved(c, c.operand(0), 'transBatchA');
  const b = batchMoved(c, c.operand(1), 'transBatchB');
  const transposeA = c.attributes.int('transA', 0) !== 0;
  const transposeB = c.attributes.int('transB', 0) !== 0;
  return scaled(c, matrixProduct(c, a, b, { transposeA, transposeB }), c.attributes.float('alpha', 1));
}

function lowerFusedGemm(c: LoweringContext): Value {
  const names = c.attributes.string('activation', '') === 'Clip' ? ['min', 'max'] : ['alpha', 'beta'];
  return fusedActivation(
    c,
    lowerGemm(c),
    names.map((name) => c.attributes.float(`activation_${name}`)),
  );
}

/** Operand 3, where there is one, is added before the activation. */
function lowerFusedConv(c: LoweringContext): Value {
  const x = plus(c, lowerConv(c), c.operands[3]);
  return fusedActivation(c, x, c.attributes.floats('activation_params') ?? []);
}

export const contribProductLowerings: readonly OnnxLowering[] = [
  { onnx: `${contribDomain}.FusedMatMul`, since: 1, gradient: true, lower: (c) => [lowerFusedMatMul(c)] },
  // The former name of FusedMatMul.
  { onnx: `${contribDomain}.TransposeMatMul`, since: 1, gradient: true, lower: (c) => [lowerFusedMatMul(c)] },
  { onnx: `${contribDomain}.FusedGemm`, since: 1, gradient: true, lower: (c) => [lowerFusedGemm(c)] },
  {
    onnx: `${contribDomain}.FusedConv`,
    since: 1,
    gradient: true,
    limits: '1 to 3 spatial dimensions',
    lower: (c) => [lowerFusedConv(c)],
  },
];
