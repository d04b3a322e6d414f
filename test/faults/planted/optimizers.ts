/** Faults in optimizers. */
import { inFile, type PlantedFault } from './planted.ts';

export const optimizerFaults: readonly PlantedFault[] = [
  ...inFile(
    'optimizers',
    'passes/optimize.ts',
    ['passes/optimize', 'training/three-steps', 'training/random-steps', 'training/torch-updates'],
    [
      [
        'the loss scale stays in accumulated gradients',
        'if (lossScale !== 1)\n      current',
        'if (lossScale !== 1 && every === 1)\n      current',
      ],
      [
        'a micro-batch early updates',
        'builder.constant(phase.type, [every - 1],',
        'builder.constant(phase.type, [every - 2],',
      ],
      ['clipping by value cuts only above', '{ min: -clipValue, max: clipValue }', '{ min: -3.4e38, max: clipValue }'],
      [
        'single numbers are trained by default',
        'elementCount(parameter.type.shape) > 1;',
        'elementCount(parameter.type.shape) > 0;',
      ],
      ['the count of updates moves at every batch', 'apply === undefined ? [steps] : [steps, apply]', '[steps]'],
    ],
  ),
  ...inFile(
    'optimizers',
    'passes/optimizers.ts',
    ['training/torch-updates', 'ops/optimizers', 'passes/optimize', 'cli/train'],
    [
      ['adamw decays like adam', "apart from the gradient', adamW, 0.01)", "apart from the gradient', adam, 0.01)"],
      [
        'another default of beta2',
        "beta2: share('share of the old second moment', 0.999),",
        "beta2: share('share of the old second moment', 0.99),",
      ],
      [
        'momentum needs no state where it is dampened',
        "momentum === 0 ? [] : ['velocity']",
        "momentum !== 0 ? [] : ['velocity']",
      ],
    ],
  ),
];
