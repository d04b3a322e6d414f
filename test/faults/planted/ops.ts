/** Faults in the op table. */
import { inFile, type PlantedFault } from './planted.ts';

const table = 'ops/op-table';
const differential = 'differential';

export const opFaults: readonly PlantedFault[] = [
  ...inFile(
    'op table',
    'src/ops/activation.ts',
    [table, 'ops/unary'],
    [
      [
        'relu is differentiated from its operand, which it need not keep',
        "doc: 'max(x, 0).',\n  attributes: {},\n  kernel: kernels.relu,\n  flops: 1,\n  gradientReads: { results: [0] }",
        "doc: 'max(x, 0).',\n  attributes: {},\n  kernel: kernels.relu,\n  flops: 1,\n  gradientReads: { operands: [0] }",
      ],
    ],
  ),
  ...inFile(
    'op table',
    'src/ops/conv.ts',
    [table, 'ops/nn/conv'],
    [
      [
        'a strided extent rounds up',
        'return Math.floor(room / strides[d]!) + 1;',
        'return Math.ceil(room / strides[d]!) + 1;',
      ],
      ['dilations stand where strides do', '...three(attributes.strides, 1),', '...three(attributes.dilations, 1),'],
    ],
  ),
  ...inFile(
    'op table',
    'src/ops/batch-norm.ts',
    [table, 'ops/nn/normalization'],
    [
      ['running statistics are pure: they may run twice', "effect: 'state',", "effect: 'pure',"],
      [
        'a gradient through the statistics is left out',
        'return wanted(g, [addDefined(g, dx, through), dScale, dBias]);',
        'return wanted(g, [dx, dScale, dBias]);',
      ],
    ],
  ),
  ...inFile(
    'op table',
    'src/ops/dropout.ts',
    [table, 'ops/nn/dropout', 'ops/random-gradients'],
    [
      [
        'the gradient draws at a site of its own',
        'g.emit(dropout, [g.cotangents[0]!, g.operands[1]!], g.attributes)',
        'g.emit(dropout, [g.cotangents[0]!, g.operands[1]!], { ...g.attributes, site: g.attributes.site + 1 })',
      ],
    ],
  ),
  ...inFile(
    'op table',
    'src/ops/softmax.ts',
    [table, 'ops/in-place', 'ops/empty'],
    [
      [
        'log_softmax has the gradient of softmax',
        '  logSoftmaxKernel,\n  () => logSoftmaxGrad,',
        '  logSoftmaxKernel,\n  () => softmaxGrad,',
      ],
    ],
  ),
  ...inFile(
    'op table',
    'src/ops/binary.ts',
    [table, 'ops/binary'],
    [
      [
        'the divisor of a quotient has a gradient of the wrong sign',
        'const sum = multiplySumTo(g, dy, g.results[0]!, b.type.shape);\n    return [da, g.emit(negate, [g.emit(divideGrad, [sum, b], {})], {})];',
        'const sum = multiplySumTo(g, dy, g.results[0]!, b.type.shape);\n    return [da, g.emit(divideGrad, [sum, b], {})];',
      ],
      [
        'a factor has the gradient of itself',
        'multiplySumTo(g, dy, g.operands[1 - i]!, operand.type.shape)',
        'multiplySumTo(g, dy, g.operands[i]!, operand.type.shape)',
      ],
    ],
  ),
  ...inFile(
    'op table',
    'src/ops/split.ts',
    [table, 'ops/movement', differential],
    [
      [
        'a view of a part begins where the whole does',
        'elementsBefore(application, result) * bytesPerElement',
        'elementsBefore(application, 0) * bytesPerElement',
      ],
      [
        'parts along an inner axis are taken for contiguous',
        '.every((extent) => extent === 1);',
        '.every((extent) => extent >= 1);',
      ],
    ],
  ),
  ...inFile(
    'op table',
    'src/ops/cross-entropy.ts',
    [table, 'ops/nn/cross-entropy', 'frontend/loss'],
    [
      ['sum and mean change places', "['none', 'sum', 'mean']", "['none', 'mean', 'sum']"],
      ['the log-probabilities of a loss have no gradient', 'addDefined(g, dLogits, through)', 'dLogits'],
    ],
  ),
  ...inFile(
    'op table',
    'src/ops/concat.ts',
    ['passes/join-parts', table, differential],
    [
      [
        'a part made elsewhere is taken to be at its place',
        'outer === 1 && from === to + first * bytesPerElement[dtype]',
        'outer === 1',
      ],
    ],
  ),
];
