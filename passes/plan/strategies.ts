/** The named strategies (DESIGN section 8): what people can ask for, with the options that each takes. */
import type { PlanIndex } from '../../src/analysis/plan-graph.ts';
import { all } from './all.ts';
import { budgetStrategy, searchOptionList, searchOptions } from './budget/budget-strategy.ts';
import { manual } from './manual.ts';
import { memory } from './memory.ts';
import { none } from './none.ts';
import { kneePlan } from './pareto.ts';
import { recursive } from './recursive.ts';
import { speed } from './speed.ts';
import {
  type BoundedSequence,
  checkOptionNames,
  type PlanContext,
  type StrategyDefinition,
  type StrategyOptions,
} from './strategy.ts';

const definitions: readonly StrategyDefinition[] = [
  { name: 'none', summary: 'keep everything (ordinary backpropagation)', options: [], sequence: none },
  {
    name: 'all',
    summary: 'keep nothing but the inputs and recompute from the start each time (quadratic)',
    options: [],
    sequence: all,
  },
  {
    name: 'manual',
    summary: 'keep the values that the user lists or marks',
    options: [
      {
        name: 'values',
        kind: 'names',
        summary: 'names of the forward values to keep',
        fallback: 'none: the strategy needs a list',
      },
    ],
    sequence: manual,
  },
  { name: 'speed', summary: 'keep results of convolutions and matrix products', options: [], sequence: speed },
  {
    name: 'memory',
    summary: 'sqrt(n): keep the frontiers of a few positions and recompute the segments between them once',
    options: [
      {
        name: 'segments',
        kind: 'integer',
        summary: 'positions whose frontiers are kept: so many segments run twice, and the last one once',
        fallback: 'as many as give the smallest peak',
      },
    ],
    sequence: memory,
  },
  {
    name: 'recursive',
    summary: 'O(log n) memory: recompute to the middle, keep that, do the right half, then the left',
    options: [],
    sequence: recursive,
  },
  budgetStrategy,
  {
    name: 'auto',
    summary: 'the knee of the trade-off curve: most bytes saved for least recomputation',
    options: searchOptionList,
    sequence: (index, options) => kneePlan(index, searchOptions(options)).sequence,
    bounded: (index, options, { search }) => kneePlan(index, searchOptions(options, search)),
  },
];

/** By name. Each refuses options that it does not have. */
export const strategies: ReadonlyMap<string, StrategyDefinition> = new Map(
  definitions.map(({ bounded, ...definition }) => [
    definition.name,
    {
      ...definition,
      sequence: (index, options) => {
        checkOptionNames(definition, options);
        return definition.sequence(index, options);
      },
      ...(bounded !== undefined && {
        bounded: (index: PlanIndex, options: StrategyOptions, context: PlanContext): BoundedSequence => {
          checkOptionNames(definition, options);
          return bounded(index, options, context);
        },
      }),
    },
  ]),
);
