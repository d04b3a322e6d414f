/** Faults in the arena and in lowering. */
import { inFile, type PlantedFault } from './planted.ts';

const differential = 'differential';

export const placingFaults: readonly PlantedFault[] = [
  ...inFile(
    'arena',
    'passes/arena/first-fit.ts',
    ['passes/arena/first-fit', 'passes/arena/place', 'passes/arena/check', differential],
    [
      [
        'intervals that touch in time are alive together',
        'first[p]! >= to || last[p]! <= from',
        'first[p]! > to || last[p]! < from',
      ],
      [
        'a gap one too small is taken',
        'if (gap >= size && gap < smallestGap)',
        'if (gap >= size - 64 && gap < smallestGap)',
      ],
    ],
  ),
  ...inFile(
    'arena',
    'passes/arena/check.ts',
    ['passes/arena/check', 'planted-faults'],
    [
      ['neighbours below are not looked at', 'if (below >= 0 && offsets', 'if (below > 1e9 && offsets'],
      ['an interval may end above the capacity', ' || !(offset + bytes[i]! <= capacity))', ')'],
    ],
  ),
  ...inFile(
    'arena',
    'passes/arena/peel.ts',
    ['passes/arena/place', differential],
    [
      [
        'a gap too small takes what was set aside',
        'if (offsets[next]! - at >= bytes) return at;',
        'if (offsets[next]! - at >= 64) return at;',
      ],
    ],
  ),
  ...inFile(
    'lowering',
    'passes/join-parts.ts',
    ['passes/join-parts'],
    [
      [
        'every part is made in its whole, however full that is',
        'if (Math.max(peak, most) <= Math.max(peak, best.load)) best',
        'if (most > 0) best',
      ],
      [
        'a part lies at the start of its whole',
        'within[k] = within[whole]! + partOffset[k]!;',
        'within[k] = within[whole]!;',
      ],
    ],
  ),
  ...inFile(
    'lowering',
    'passes/memory-plan.ts',
    [differential, 'planted-faults', 'passes/join-parts'],
    [
      ['a view lies where its base does', "(op.effect === 'view' ? (op.viewOffset?.(node, i) ?? 0) : 0)", '0'],
      ['scratch outlives its step by none', 'end[storages.length + k] = step + 1;', 'end[storages.length + k] = step;'],
      [
        'outputs are freed with the last step',
        '![...bound].some((k) => placement.offsets[k] === range.start && intervals.bytes[k]! > 0)',
        'bound.size >= 0 || range.end < 0',
      ],
      [
        'the arena is stated a line too short',
        'const arenaBytes = alignUp(placement.height);\n  const placeOf',
        'const arenaBytes = Math.max(0, alignUp(placement.height) - 64);\n  const placeOf',
      ],
    ],
  ),
  ...inFile(
    'lowering',
    'src/codegen/lower.ts',
    [differential, 'ops/nn/scratch'],
    [['every scratch lies at the start of the arena', 'scratch: memory.scratch.get(node.name) ?? 0,', 'scratch: 0,']],
  ),
];
