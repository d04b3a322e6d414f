/**
 * Bounds by cases: a node that may run early or late runs between some two nodes of the gradient's way, and whichever these
 * are, a bound that holds in each case holds. All bounds are on the cost of recomputation.
 */
import type { PlanIndex } from '../../../src/analysis/plan-graph.ts';
import { type AssumedOrder, type Moment, momentAt } from './moment.ts';
import type { OrderSplit } from './order-splits.ts';
import type { Roots } from './roots.ts';

export interface OrderCasesOptions {
  readonly index: PlanIndex;
  readonly roots: Roots;
  readonly forwardNodes: number;
  /** Those of these moments that come one after the other in every order, so that one program takes them. */
  readonly inOrder: (moments: readonly Moment[]) => Moment[];
  readonly relax: (moment: Moment) => number;
  /** By integer program; `keep` makes what its solution keeps a seed for plans. Undefined where there is no solver. */
  readonly solve: ((moments: readonly Moment[], keep?: boolean) => number) | undefined;
}

export interface OrderCases {
  /**
   * In each case the node is bounded by its own moment with all that comes after the next node of the way, and by every
   * node before it, at which what it reads is still alive.
   */
  single(split: OrderSplit, best: number): number;
  /**
   * Each case by one program of several moments: the node runs before the next node of the way, or it waits until that
   * one is done and the cases go on from there. The moments are those of the nodes around it and of the anchors.
   */
  chained(split: OrderSplit, anchors: readonly number[], best: number): number;
}

const mostPrograms = 5;
/** Cubes of the forward nodes of all single programs together: about what they take. */
const mostSolved = 80e6;
/** A case below this share of the best bound is not worth a program. */
const worthSolving = 0.85;
/** Places on the way that are told apart by chained programs. */
const mostPlaces = 4;

export function createOrderCases({ index, roots, forwardNodes, inOrder, relax, solve }: OrderCasesOptions): OrderCases {
  let solved = 0;

  const single: OrderCases['single'] = ({ node, way }, best) => {
    const waiting = way.map((late) => momentAt(index, roots, late, [{ first: late, second: node }]));
    const running = way.map((late) => momentAt(index, roots, node, [{ first: node, second: late }]));
    const waitingBound = waiting.map(relax);
    const runningBound = running.map(relax);
    const improved = new Set<Moment>();
    for (let programs = 0; ; programs++) {
      // The case that is worst for the bound, and the moment that decides it.
      let value = Number.POSITIVE_INFINITY;
      let decisive: { readonly moment: Moment; readonly bounds: number[]; readonly i: number } | undefined;
      let latest = -1;
      for (let i = 0; i <= way.length; i++) {
        if (i > 0 && (latest < 0 || waitingBound[i - 1]! > waitingBound[latest]!)) latest = i - 1;
        const early = latest < 0 ? 0 : waitingBound[latest]!;
        const own = i < way.length ? runningBound[i]! : 0;
        if (Math.max(early, own) >= value) continue;
        value = Math.max(early, own);
        decisive =
          early >= own && latest >= 0
            ? { moment: waiting[latest]!, bounds: waitingBound, i: latest }
            : i < way.length
              ? { moment: running[i]!, bounds: runningBound, i }
              : undefined;
      }
      if (solve === undefined || decisive === undefined || programs >= mostPrograms || !Number.isFinite(value))
        return value;
      if (value < worthSolving * best || improved.has(decisive.moment) || solved > mostSolved) return value;
      solved += forwardNodes ** 3;
      improved.add(decisive.moment);
      decisive.bounds[decisive.i] = Math.max(value, solve([decisive.moment]));
    }
  };

  const chained: OrderCases['chained'] = ({ node, made, way }, anchors, best) => {
    if (solve === undefined) return best;
    const caseOf = (place: number, before: boolean): number => {
      const orders: AssumedOrder[] = [];
      if (place > 0) orders.push({ first: way[place - 1]!, second: node });
      if (before) orders.push({ first: node, second: way[place]! });
      const around = before ? way.slice(Math.max(0, place - 1), place + 2) : way.slice(Math.max(0, place - 2), place);
      const nodes = new Set([...anchors, made, node, ...around]);
      return solve(inOrder([...nodes].map((n) => momentAt(index, roots, n, orders))), before);
    };
    let least = Number.POSITIVE_INFINITY;
    const places = Math.min(mostPlaces, way.length);
    for (let place = 0; place < places; place++) {
      least = Math.min(least, caseOf(place, true));
      if (least <= best) return best;
      // Waiting for one node alone seldom binds.
      if (place === 0 && places > 1) continue;
      const rest = caseOf(place + 1, false);
      if (rest >= least) return least;
      if (place + 1 === places) return Math.max(best, rest);
    }
    return best;
  };
  return { single, chained };
}
