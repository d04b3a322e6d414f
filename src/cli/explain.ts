/** An explanation of a plan (`src/analysis/explain-plan.ts`) in words: one line a value. */
import type { Plan } from '../../passes/plan/plan.ts';
import type { ExplainedValue, Explanation, KeptValue, RecomputedValue } from '../analysis/explain-plan.ts';
import { onOneLine, printable } from '../ir/printable.ts';
import { formatTable } from './format.ts';

/** A step fuller than this share of the limit is near it. */
const nearLimit = 0.95;

/** `unit` of costs: `ns`, or nothing. */
export function describeExplanation(explanation: Explanation, unit: string): string {
  const { values, budget, liveBytes, fullest } = explanation;
  const recomputed = values.filter((value) => !value.kept).length;
  const within = budget === null ? '' : `, within a budget of ${count(budget)}`;
  const head = `forward values that the backward pass reads, the largest first: ${values.length}, of which ${values.length - recomputed} kept and ${recomputed} recomputed
at the fullest step (${onOneLine(fullest) || 'none'}) ${count(liveBytes)} bytes are alive before placement${within}`;
  const names = formatTable(
    values.map(({ name, bytes }) => [onOneLine(name), count(bytes)]),
    '  ',
  ).split('\n');
  const lines = values.map((value, i) => onOneLine(`${names[i]}  ${describeValue(value, explanation, unit)}`));
  return `${[head, ...lines].join('\n')}\n`;
}

/** The same for a compiled step: costs are nanoseconds, but for the cost model `unit`; names may hold anything. */
export function describeExplained(explanation: Explanation, { costModel }: Plan): string {
  return printable(describeExplanation(explanation, costModel === 'unit' ? '' : 'ns'));
}

function describeValue(value: ExplainedValue, explanation: Explanation, unit: string): string {
  return value.kept ? describeKept(value, explanation, unit) : describeRecomputed(value, explanation, unit);
}

function describeKept(value: KeptValue, explanation: Explanation, unit: string): string {
  const { from, to, between, bound, recomputing, dropped } = value;
  const life = `kept, step ${from.step} (${from.node}) to ${to === null ? 'the end' : `${to.step} (${to.node})`}`;
  if (to === null) return `${life}: it is an output of the step`;
  if (between === null)
    return `${life}: it never waits for a use in the backward pass, so that dropping it would free nothing`;
  const limit = explanation.budget ?? explanation.liveBytes;
  const near = between.liveBytes > nearLimit * limit;
  const while_ = `the fullest step while it waits (${between.node}) has ${shareOf(between.liveBytes, explanation)}`;
  if (recomputing === null || dropped === null) return `${life}: it cannot be dropped, for ${bound}; ${while_}`;
  const more = recomputing.nodes.length - 1;
  const cost =
    more === 0
      ? `recomputing it for ${recomputing.before.node} costs ${costOf(recomputing.cost, unit)}${rateOf(value, recomputing.cost, unit)}`
      : `what it is computed from is dropped, so that recomputing it for ${recomputing.before.node} takes ${more} more ${more === 1 ? 'node' : 'nodes'} and costs ${costOf(recomputing.cost, unit)}`;
  if (!near) return `${life}: free, ${while_}; ${cost}`;
  const peak =
    dropped.liveBytes < explanation.liveBytes
      ? `lower the peak to ${count(dropped.liveBytes)} bytes`
      : dropped.liveBytes > explanation.liveBytes
        ? `raise the peak to ${count(dropped.liveBytes)} bytes (${dropped.fullest})`
        : 'not lower the peak';
  return `${life}: ${cost}; dropping it would ${peak}; ${while_}`;
}

function describeRecomputed(value: RecomputedValue, explanation: Explanation, unit: string): string {
  const { times, cost, keptInstead } = value;
  const { budget, liveBytes } = explanation;
  const saved = explanation.cost - keptInstead.cost;
  const head = `recomputed ${times === 1 ? 'once' : `${times} times`} for ${costOf(cost, unit)}`;
  const peak = `${shareOf(keptInstead.liveBytes, explanation)} would be alive at ${keptInstead.fullest}`;
  const all = saved === cost ? '' : `, and ${costOf(saved, unit)} less be spent in all`;
  if (budget === null) {
    const change = keptInstead.liveBytes > liveBytes ? `above the peak of ${count(liveBytes)}` : 'no more than now';
    return `${head}: kept instead, ${peak}, ${change}${all}`;
  }
  if (keptInstead.liveBytes > budget) return `${head}: kept instead, ${peak}, above the budget${all}`;
  return `${head}: kept instead, ${peak}, which the budget allows before placement${all}: the search left it`;
}

/** Bytes, and what share of the budget they are, or else of the peak. */
function shareOf(bytes: number, { budget, liveBytes }: Explanation): string {
  const limit = budget ?? liveBytes;
  const share =
    limit === 0 ? '' : ` (${((100 * bytes) / limit).toFixed(1)} % of the ${budget === null ? 'peak' : 'budget'})`;
  return `${count(bytes)} bytes${share}`;
}

function costOf(cost: number, unit: string): string {
  return unit === '' ? count(cost) : `${count(cost)} ${unit}`;
}

function rateOf({ bytes }: KeptValue, cost: number, unit: string): string {
  return ` (${costOf(Math.round((cost * 1e6) / bytes), unit)} a MB)`;
}

/** `4,194,304` */
function count(number: number): string {
  return String(number).replace(/\B(?=(\d{3})+$)/g, ',');
}
