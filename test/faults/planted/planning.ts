/** Faults in the planner and its bounds. */
import { inFile, type PlantedFault } from './planted.ts';

const differential = 'differential';
const strategies = 'passes/plan/strategies';

export const planningFaults: readonly PlantedFault[] = [
  ...inFile(
    'planner',
    'passes/plan/kept-set.ts',
    ['passes/plan/kept-set', strategies, differential],
    [
      ['the last segment runs twice', ' || producer[owner]! > lastKept ? 1 : 0', ' ? 1 : 0'],
      ['views are not kept with their storage', 'keptStorage[root[v]!] = 1;', 'keptStorage[v] = 1;'],
    ],
  ),
  ...inFile(
    'planner',
    'passes/plan/speed.ts',
    [strategies, 'passes/plan/kept-set'],
    [['what is cheap is kept', 'index.expensive[index.producer[v]!]!', '1 - index.expensive[index.producer[v]!]!']],
  ),
  ...inFile(
    'planner',
    'passes/plan/place-updates.ts',
    ['passes/plan/place-updates', 'planned-updates', 'passes/optimize'],
    [
      ['an update does not wait for reads of the old value', 'if (owner < inputCount) lastTouch[owner] = s;', ''],
      ['reads by earlier updates are forgotten', 'lastTouch[owner] = Math.max(lastTouch[owner]!, earliest);', ''],
    ],
  ),
  ...inFile(
    'planner',
    'passes/plan/normalize-sequence.ts',
    ['passes/plan/normalize-sequence', strategies],
    [
      [
        'first appearances are dropped too',
        'if (first[s] === 0 && used[s] === 0) continue;',
        'if (used[s] === 0) continue;',
      ],
    ],
  ),
  ...inFile(
    'planner',
    'passes/plan/storages.ts',
    ['passes/plan/choose-positions', 'planned-updates', 'passes/plan/kept-set'],
    [
      [
        'running statistics are planned to run again',
        'index.recomputable[producer[owner]!] === 0) permanent[owner] = 1;',
        'index.recomputable[producer[owner]!] === 2) permanent[owner] = 1;',
      ],
      [
        'reads through views are no reads',
        'const owner = root[reads[k]!]!;\n      if (n < forwardCount) lastForwardUse[owner] = n;',
        'const owner = reads[k]!;\n      if (n < forwardCount) lastForwardUse[owner] = n;',
      ],
    ],
  ),
  ...inFile(
    'planner',
    'passes/plan/choose-positions.ts',
    ['passes/plan/choose-positions'],
    [
      [
        'segments may hold twice the bound',
        'for (; segment > bound && lowest < q; lowest++)',
        'for (; segment > 2 * bound && lowest < q; lowest++)',
      ],
      ['the penalty of a position is left out', 'tree.insert(q, least + penalty);', 'tree.insert(q, least);'],
    ],
  ),
  ...inFile(
    'planner',
    'passes/plan/recursive.ts',
    [strategies, 'passes/plan/baselines'],
    [
      [
        'a frontier is dropped when its range begins',
        'frames.push(frame);\n      for (const owner of next.frontier) hold(frame, owner);',
        'frames.push(frame);',
      ],
    ],
  ),
  ...inFile(
    'planner',
    'passes/plan/budget/plan-for-budget.ts',
    ['passes/plan/budget/plan-for-budget', 'passes/plan/budget/budget-strategy'],
    [
      [
        'a plan above the budget is called feasible',
        'const feasible = arenaBytes <= budget;',
        'const feasible = true;',
      ],
    ],
  ),
  ...inFile(
    'bounds',
    'passes/plan/budget/proved-bound.ts',
    ['passes/plan/budget/proved-bound'],
    [
      [
        'a bound above the plan is clamped in silence',
        'if (bound.extra > extra + rounding',
        'if (bound.extra > 1e99 + rounding',
      ],
    ],
  ),
  ...inFile(
    'bounds',
    'passes/plan/budget/closure-bound.ts',
    ['passes/plan/budget/small-bounds', 'passes/plan/budget/lower-bound', 'passes/plan/budget/plan-for-budget'],
    [
      [
        'what backward reads may lie in twice the room',
        'if (forcedBytes <= capacity) return { bound: 0',
        'if (forcedBytes <= 1e3 * capacity) return { bound: 0',
      ],
      [
        'forward outputs need not be there',
        'isOutput[v] === 1 && root[v]! >= 0 && region',
        'isOutput[v] === 2 && root[v]! >= 0 && region',
      ],
      ['gains of what is chosen count twice', '- (gains - value));', '+ (gains - value));'],
    ],
  ),
  ...inFile(
    'bounds',
    'passes/plan/budget/working-set.ts',
    ['passes/plan/budget/small-bounds', 'passes/plan/budget/plan-for-budget'],
    [
      ['scratch counts twice', 'let sum = scratch[n]!;', 'let sum = 2 * scratch[n]!;'],
      [
        'an operand given twice counts twice',
        '    if (r < 0 || counted.includes(r)) continue;\n    counted.push(r);\n    sum += bytes[r]!;\n  }\n  for',
        '    if (r < 0) continue;\n    counted.push(r);\n    sum += bytes[r]!;\n  }\n  for',
      ],
    ],
  ),
  ...inFile(
    'bounds',
    'passes/plan/budget/reversal-chain.ts',
    ['passes/plan/budget/budget-strategy', 'passes/plan/budget/plan-for-budget', 'passes/plan/budget/lower-bound'],
    [['a chain has a checkpoint less than it has', 'Math.floor(budget / unit) - 1;', 'Math.floor(budget / unit) - 2;']],
  ),
];
