/** Faults in the importer, the builder and the losses. */
import { inFile, type PlantedFault } from './planted.ts';

const lowerings = 'frontend/onnx/lowerings';
const imported = 'frontend/onnx/import';

export const importerFaults: readonly PlantedFault[] = [
  ...inFile(
    'importer',
    'src/frontend/onnx/lowerings/pooling.ts',
    ['frontend/onnx/attribute-defaults', lowerings, 'ops/nn/pool', 'frontend/onnx/random-operators'],
    [
      [
        'another default norm of GlobalLpPool',
        "c.attributes.float('p', 2) : c.attributes.int('p', 2), true)",
        "c.attributes.float('p', 2) : c.attributes.int('p', 1), true)",
      ],
      ['another default norm of LpPool', "p: c.attributes.int('p', 2),", "p: c.attributes.int('p', 1),"],
      [
        'pads count in means by default',
        "c.attributes.int('count_include_pad', 0)",
        "c.attributes.int('count_include_pad', 1)",
      ],
    ],
  ),
  ...inFile(
    'importer',
    'src/frontend/onnx/lowerings/unary.ts',
    ['frontend/onnx/attribute-defaults', lowerings, 'frontend/onnx/random-operators'],
    [
      [
        'another default threshold of ThresholdedRelu',
        "c.emit(thresholdedRelu, [c.operand(0)], { alpha: c.attributes.float('alpha', 1) })",
        "c.emit(thresholdedRelu, [c.operand(0)], { alpha: c.attributes.float('alpha', 0) })",
      ],
      ['another default slope of LeakyRelu', "c.attributes.float('alpha', 0.01)", "c.attributes.float('alpha', 0.1)"],
      [
        'another default slope of HardSigmoid',
        "alpha: c.attributes.float('alpha', 0.2),",
        "alpha: c.attributes.float('alpha', 1 / 6),",
      ],
    ],
  ),
  ...inFile(
    'importer',
    'src/frontend/onnx/lowerings/normalization.ts',
    ['frontend/onnx/attribute-defaults', lowerings, imported, 'frontend/onnx/random-operators'],
    [
      [
        'another default exponent of LRN',
        "beta: c.attributes.float('beta', 0.75),",
        "beta: c.attributes.float('beta', 0.5),",
      ],
      [
        'another default factor of LRN',
        "alpha: c.attributes.float('alpha', 1e-4),",
        "alpha: c.attributes.float('alpha', 1e-3),",
      ],
      [
        'another default momentum of BatchNormalization',
        "c.attributes.float('momentum', 0.9)",
        "c.attributes.float('momentum', 0.1)",
      ],
      [
        'another default epsilon of BatchNormalization',
        "function lowerBatchNorm(c: LoweringContext): readonly Value[] {\n  const epsilon = c.attributes.float('epsilon', 1e-5);",
        "function lowerBatchNorm(c: LoweringContext): readonly Value[] {\n  const epsilon = c.attributes.float('epsilon', 1e-3);",
      ],
    ],
  ),
  ...inFile(
    'importer',
    'src/frontend/onnx/lowerings/convolution.ts',
    ['ops/nn/conv-transpose', lowerings, 'frontend/onnx/random-operators'],
    [
      [
        'the odd pad of a transposed convolution is on the other side',
        "automatic !== 'SAME_UPPER',",
        "automatic === 'SAME_UPPER',",
      ],
    ],
  ),
  ...inFile(
    'importer',
    'src/frontend/onnx/lowerings/dropout.ts',
    ['frontend/onnx/attribute-defaults', lowerings, imported],
    [
      ['another default ratio of Dropout', '(c.numbers(1)?.[0] ?? 0.5)', '(c.numbers(1)?.[0] ?? 0.25)'],
      ['dropout is at work in inference', 'if (!training) return 0;', ''],
    ],
  ),
  ...inFile(
    'importer',
    'src/frontend/onnx/lowerings/movement.ts',
    [lowerings, 'frontend/onnx/random-operators', 'ops/movement'],
    [
      [
        'a backward slice misses the first element',
        'end: clamp(end, -1, extent - 1), step }',
        'end: clamp(end, 0, extent - 1), step }',
      ],
      [
        'the last of equal parts is as large as the others',
        'Math.max(0, Math.min(size, extent - i * size))',
        'Math.max(0, size)',
      ],
    ],
  ),
  ...inFile(
    'importer',
    'src/frontend/onnx/external-data.ts',
    [imported, 'frontend/onnx/robustness', 'frontend/robustness'],
    [
      [
        'external data may lie anywhere',
        'if (isAbsolute(location) || !isInside(directory, path)) throw outside(tensor, location);',
        '',
      ],
      [
        'a link may lead out of the folder',
        'if (!isInside(realpathSync(directory), real)) throw outside(tensor, location);',
        '',
      ],
    ],
  ),
  ...inFile(
    'builder',
    'src/frontend/builder/model-builder.ts',
    ['ops/nn/dropout', 'frontend/builder/arguments'],
    [['every dropout of a model is at one site', '{ ratio, site: this.sites++ }', '{ ratio, site: this.sites }']],
  ),
  ...inFile(
    'losses',
    'src/frontend/loss.ts',
    ['frontend/loss'],
    [
      [
        'cross entropy sums where it should take the mean',
        "ignore_index: 0, reduction: 'mean', with_log_prob: false };\n      return",
        "ignore_index: 0, reduction: 'sum', with_log_prob: false };\n      return",
      ],
      ['a squared error is not squared', "opNamed('square'), [difference]", "opNamed('absolute'), [difference]"],
      [
        'the terms of binary cross entropy change places',
        "const present = emit('multiply', [target, against]",
        "const present = emit('multiply', [absent, against]",
      ],
      ['the sum is the mean', "opNamed('reduce_sum'), [value], { axes", "opNamed('reduce_mean'), [value], { axes"],
    ],
  ),
];
