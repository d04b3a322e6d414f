/** Faults in the simulator, the verifier and what else looks at graphs. */
import { inFile, type PlantedFault } from './planted.ts';

const differential = 'differential';
const strategies = 'passes/plan/strategies';

export const analysisFaults: readonly PlantedFault[] = [
  ...inFile(
    'simulator',
    'src/analysis/simulate.ts',
    [strategies, differential, 'analysis/edit-sequence', 'passes/recompute'],
    [
      ['an output dies at its last read', 'if (index.isOutput[v] === 1 && bound[v] === 0) lastUse[owner] = steps;', ''],
      [
        'a donor is taken over while others still read it',
        '|| lastUse[donorGroup] !== s ||',
        '|| lastUse[donorGroup]! < s ||',
      ],
      ['scratch is left out', 'liveAt[s] = live + index.scratch[n]!;', 'liveAt[s] = live;'],
      [
        'a value dies one step early',
        'const death = Math.min(lastUse[copy]! + 1, steps);',
        'const death = Math.min(lastUse[copy]!, steps);',
      ],
      ['two results take over one donor', '|| takenAt[donorGroup]! >= 0) return -1;', ') return -1;'],
    ],
  ),
  ...inFile(
    'simulator',
    'src/analysis/to-plan-graph.ts',
    ['analysis/to-plan-graph', 'ops/in-place', differential],
    [
      [
        'a donor may lie inside its storage',
        'if (offset !== 0 || resident.has(root)) return false;',
        'if (resident.has(root)) return false;',
      ],
      [
        'another operand may lie in the storage that is taken over',
        'if (position === donor || place.root !== root) return true;',
        'return true;',
      ],
      [
        'a resident is taken over through a view',
        'if (offset !== 0 || resident.has(root)) return false;',
        'if (offset !== 0) return false;',
      ],
      ['a donor of other size is taken over', '|| byteLength(value.type) !== bytes ||', '||'],
    ],
  ),
  ...inFile(
    'simulator',
    'src/analysis/lives.ts',
    ['analysis/edit-sequence'],
    [
      [
        'a life ends at its first read',
        'lasts[life] = Math.max(lasts[life]!, step);\n    }',
        'lasts[life] = Math.min(lasts[life]!, step);\n    }',
      ],
    ],
  ),
  ...inFile(
    'simulator',
    'src/analysis/collapse.ts',
    ['analysis/verify', 'planted-faults', 'passes/recompute'],
    [
      [
        'nodes that are new are no fault',
        'for (const node of rest.values())',
        'for (const node of [...rest.values()].slice(0, 0))',
      ],
      [
        'other attributes are no difference',
        "if (attributesKey(before.attributes) !== attributesKey(after.attributes)) return 'has other attributes';",
        '',
      ],
    ],
  ),
  ...inFile(
    'simulator',
    'src/analysis/verify/residents.ts',
    ['analysis/verify'],
    [
      [
        'a view of what is written over may be read',
        'if (root !== undefined) for (const result of node.results) roots.set(result.name, root);',
        '',
      ],
    ],
  ),
  ...inFile(
    'simulator',
    'src/analysis/select-gradients.ts',
    ['analysis/select-gradients'],
    [
      [
        'running statistics are trained by default',
        "if (statistics.has(name)) return left(value, 'running statistics of a normalization');",
        '',
      ],
    ],
  ),
];
