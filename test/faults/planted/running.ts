/** Faults in the training loop and the command line. */
import { inFile, type PlantedFault } from './planted.ts';

export const runningFaults: readonly PlantedFault[] = [
  ...inFile(
    'training loop',
    'src/training/give-inputs.ts',
    ['training/checkpoint', 'public-functions'],
    [
      ['faults of inputs are not thrown', 'if (faults.length > 0) throw new SublinearError(faults);\n  for', 'for'],
      ['a negative learning rate is taken', 'if (rate >= 0 && isFiniteFloat32(rate))', 'if (isFiniteFloat32(rate))'],
    ],
  ),
  ...inFile(
    'training loop',
    'src/ir/input-fault.ts',
    ['training/checkpoint', 'public-functions', 'cli/run'],
    [['more numbers than asked for are taken', 'if (numbers.length !== count)', 'if (numbers.length < count)']],
  ),
  ...inFile(
    'training loop',
    'src/training/checkpoint.ts',
    ['training/checkpoint', 'training/lifetimes', 'training/three-steps'],
    [
      ['a resumed training draws the numbers of the first step', 'stepCount = read.step;\n', ''],
      ['a seed of a checkpoint is forgotten', 'seed = read.seed;\n', ''],
      [
        'statistics of a failed step stay',
        'const restore = (): void => {\n      for (const { view, before } of early) view.set(before);',
        'const restore = (): void => {\n      for (const { view, before } of early) view.set(view.slice(0, before.length));',
      ],
      [
        'the loss leaves out the weights of several',
        'const now = lossSlots.reduce((sum, slot, i) => sum + (settings.lossWeights[i] ?? 1) *',
        'const now = lossSlots.reduce((sum, slot, i) => sum + (settings.lossWeights[i] && 1) *',
      ],
    ],
  ),
  ...inFile(
    'training loop',
    'src/training/training-state.ts',
    ['training/checkpoint', 'cli/train'],
    [
      [
        'a checkpoint of another optimizer is taken',
        'if (state.optimizer !== expected.optimizer)',
        "if (state.optimizer === '')",
      ],
    ],
  ),
  ...inFile(
    'training loop',
    'src/training/batches.ts',
    ['training/batches'],
    [
      ['every epoch has one order', 'randomKey(seed, epoch, shuffleSite)', 'randomKey(seed, 0, shuffleSite)'],
      ['shuffling favours some places', 'uniformAt(key, i) * (i + 1)', 'uniformAt(key, i) * i'],
      [
        'examples of a shuffled batch overlap',
        'const start = (index % count) * batch;',
        'const start = index % count;',
      ],
    ],
  ),
  ...inFile(
    'training loop',
    'src/cli/train-loop.ts',
    ['cli/train'],
    [
      [
        'one step too many',
        'while (updatesOf(step) < settings.steps &&',
        'while (updatesOf(step) <= settings.steps &&',
      ],
      ['the mean loss of an update is its sum', '/ losses.length;', '/ 1;'],
      ['an evaluation is a sum', 'return sum / count;', 'return sum;'],
    ],
  ),
  ...inFile(
    'command line',
    'src/cli/largest-extent.ts',
    ['cli/largest-extent', 'cli/fit'],
    [['fit stops one early', 'while (failed - best.extent > 1 &&', 'while (failed - best.extent > 2 &&']],
  ),
  ...inFile(
    'command line',
    'src/cli/compare-tensors.ts',
    ['cli/compare-tensors', 'check'],
    [
      [
        'what is NaN where it should not be is close',
        'const equal = a === b || (Number.isNaN(a) && Number.isNaN(b));\n    if (!equal &&',
        'const equal = a === b || Number.isNaN(a);\n    if (!equal &&',
      ],
      ['gradients of other shapes are compared', 'if (!alike(actual, expected)) return Number.NaN;', ''],
    ],
  ),
  ...inFile(
    'command line',
    'src/cli/step-inputs.ts',
    ['ops/index-bounds', 'cli/run'],
    [
      ['labels are drawn beyond the classes', 'Math.floor(unit * bound)', 'Math.floor(unit * (bound + 1))'],
      ['floats are drawn of [0, 1)', '2 * unit - 1 :', 'unit :'],
    ],
  ),
  ...inFile(
    'command line',
    'src/cli/commands/run.ts',
    ['cli/run'],
    [
      ['what differs is called equal', 'bitwiseEqual: differences.length === 0,', 'bitwiseEqual: true,'],
      [
        'outputs are numbered as the step has them',
        'const numbered = [...declaredOutputs, ...plain',
        'const numbered = [...plain, ...plain',
      ],
    ],
  ),
  ...inFile(
    'command line',
    'src/cli/update-options.ts',
    ['cli/train', 'cli/usage', 'cli/run', 'cli/bad-input'],
    [
      [
        'a learning rate of words is taken',
        "if (value.trim() === '' || Number.isNaN(number) || number < 0)",
        "if (value.trim() === '')",
      ],
      ['accumulation is not handed on', '...(accumulate !== undefined && { accumulate }),', ''],
    ],
  ),
  ...inFile(
    'command line',
    'src/analysis/byte-size.ts',
    ['cli/plan', 'cli/compile', 'cli/usage'],
    [
      ['a MiB is a million bytes', 'mib: 2 ** 20,', 'mib: 1e6,'],
      ['a share is of one', 'share: number / 100 };', 'share: number };'],
    ],
  ),
];
