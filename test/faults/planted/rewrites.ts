/** Faults in the passes that change the graph. */
import { inFile, type PlantedFault } from './planted.ts';

const differential = 'differential';

export const rewriteFaults: readonly PlantedFault[] = [
  ...inFile(
    'rewrite',
    'passes/recompute.ts',
    ['passes/recompute', 'planted-faults', differential],
    [
      [
        'clones do not wait',
        'const after = readsClone || lastOriginal === undefined ? node.after :',
        'const after = readsClone || lastOriginal !== undefined ? node.after :',
      ],
      ['an operand is read from the original', '      return copy;\n', '      return operand;\n'],
      [
        'state may run twice',
        "if (effect === 'state' || effect === 'update')\n      throw",
        "if (effect === 'update')\n      throw",
      ],
      ['a node left out is no fault', 'if (!appearances.has(node.name)) throw', 'if (false) throw'],
    ],
  ),
  ...inFile(
    'rewrite',
    'passes/pin-order.ts',
    ['passes/recompute', differential, 'models/zoo'],
    [['no graph is pinned', '.liveBytes <= planned) return graph;', '.liveBytes <= planned * 1e9) return graph;']],
  ),
  ...inFile(
    'rewrite',
    'passes/common-subexpressions.ts',
    ['passes/common-subexpressions', 'passes/canonicalize'],
    [
      ['nodes of other attributes merge: dropouts of two sites', 'attributesKey(node.attributes)} $', 'node.region} $'],
      [
        'an output is merged away',
        'first === undefined || node.results.some((result) => bound.has(result.name))',
        'first === undefined',
      ],
    ],
  ),
  ...inFile(
    'rewrite',
    'passes/dead-code.ts',
    ['passes/dead-code', differential],
    [
      [
        'state that nobody reads is removed',
        "const needed = effect === 'state' || effect === 'update' ||",
        "const needed = effect === 'update' ||",
      ],
    ],
  ),
  ...inFile(
    'rewrite',
    'passes/autodiff.ts',
    ['passes/autodiff', 'training/checkpoint', 'gradients', differential],
    [
      [
        'the second gradient of a value replaces the first',
        'cotangents.set(value.name, sum);',
        'cotangents.set(value.name, gradient);',
      ],
      ['the weight of a loss is left out', 'fill(weight);', 'fill(1);'],
      [
        'sums of gradients add in the other order',
        'builder.emit(add, [known, gradient]',
        'builder.emit(add, [gradient, known]',
      ],
    ],
  ),
  ...inFile(
    'rewrite',
    'passes/pass-manager.ts',
    ['planted-faults', 'passes/pipeline'],
    [
      [
        'any order of passes is allowed',
        'for (const fact of pass.forbids)',
        'for (const fact of pass.forbids.slice(99))',
      ],
    ],
  ),
  ...inFile(
    'rewrite',
    'passes/canonicalize-rules.ts',
    ['passes/canonicalize'],
    [
      [
        'a value that others read is rewritten away',
        'return matcher.isOnlyUse(value) ? matcher.producer(value, op) : undefined;',
        'return matcher.producer(value, op);',
      ],
    ],
  ),
  ...inFile(
    'rewrite',
    'passes/constant-folding.ts',
    ['passes/constant-folding'],
    [['constants of any size are folded', 'elementCount(result.type.shape) <= largestFoldedElements &&', 'true &&']],
  ),
];
