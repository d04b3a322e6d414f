/**
 * Which values get gradients (DESIGN section 4): `--wrt` says what is asked for; "trainable" is what an optimizer may
 * change. Every choice carries its reason, for `inspect`.
 */

import { nearestName, SublinearError } from '../ir/diagnostic.ts';
import { globMatcher } from '../ir/glob.ts';
import { elementCount, type Graph, type Model, type Value } from '../ir/graph.ts';
import { opNamed } from '../ops/table.ts';
import { type ParameterReading, type ParameterUse, parameterReadings } from './parameter-uses.ts';

export type Wrt = 'parameters' | 'inputs' | 'all';

export interface GradientSelection {
  /** Default `parameters`. */
  readonly wrt?: Wrt;
  /** Globs: never asked for. */
  readonly freeze?: readonly string[];
  /** Globs: parameters asked for though the rule leaves them out. */
  readonly trainable?: readonly string[];
  /** Names, in place of the rule: these parameters are asked for, and no others but those of `trainable`. */
  readonly trainOnly?: readonly string[];
}

export interface GradientChoice {
  readonly value: Value;
  /** Whether its gradient is computed. */
  readonly chosen: boolean;
  /** Whether an optimizer may change it: a chosen parameter of more than one element, or one asked for by name. */
  readonly trainable: boolean;
  readonly reason: string;
  /** Why it may be a constant all the same; of what is trained by the rule. */
  readonly suspicion?: string;
  /** Whether the rule would train it but for infinite numbers or NaN in it. */
  readonly notFinite?: boolean;
}

/** Every float input and parameter, in graph order, with whether its gradient is computed and why. */
export function selectGradients(
  { graph, weights }: Model,
  losses: readonly string[],
  selection: GradientSelection,
): readonly GradientChoice[] {
  const wrt = selection.wrt ?? 'parameters';
  const frozen = globMatcher(selection.freeze ?? []);
  const widened = globMatcher(selection.trainable ?? []);
  const only = listed(graph, selection.trainOnly);
  const reaching = valuesReaching(graph, losses);
  const statistics = runningStatistics(graph);
  const readings = parameterReadings(graph);
  const left = (value: Value, reason: string): GradientChoice => ({ value, chosen: false, trainable: false, reason });
  const chooseInput = (value: Value): GradientChoice => {
    if (frozen(value.name)) return left(value, 'frozen by --freeze');
    if (wrt === 'parameters') return left(value, 'an input; ask with --wrt inputs');
    return { value, chosen: true, trainable: false, reason: `asked for by --wrt ${wrt}` };
  };
  const chooseByRule = (value: Value): GradientChoice => {
    const { name } = value;
    const own = readings.get(name) ?? [];
    if (!reaching.has(name)) return left(value, 'does not reach the loss along a differentiable path');
    if (statistics.has(name)) return left(value, 'running statistics of a normalization');
    if (own.length > 0 && own.every(({ use }) => use === 'setting'))
      return left(value, 'an exponent, so trained only with --trainable');
    const several = elementCount(value.type.shape) > 1;
    const fault = notFinite(weights.get(name)?.data);
    if (fault !== undefined)
      return { ...left(value, `holds ${fault}, so trained only with --trainable`), notFinite: several };
    if (!several)
      return {
        value,
        chosen: true,
        trainable: false,
        reason: 'reaches the loss; one number, so trained only with --trainable',
      };
    const suspicion = suspicionOf(own);
    const trained = { value, chosen: true, trainable: true };
    return suspicion === undefined
      ? { ...trained, reason: 'reaches the loss' }
      : { ...trained, reason: `reaches the loss, but ${suspicion}`, suspicion };
  };
  const chooseParameter = (value: Value): GradientChoice => {
    if (frozen(value.name)) return left(value, 'frozen by --freeze');
    if (wrt === 'inputs') return left(value, 'a parameter; only inputs are asked for');
    if (widened(value.name)) return { value, chosen: true, trainable: true, reason: 'asked for by --trainable' };
    const choice =
      only === undefined
        ? chooseByRule(value)
        : only.has(value.name)
          ? { value, chosen: true, trainable: true, reason: 'in the list of what is trained' }
          : left(value, 'not in the list of what is trained');
    return wrt === 'all' ? { ...choice, chosen: true, reason: 'asked for by --wrt all' } : choice;
  };
  return [...graph.inputs.filter(isFloat).map(chooseInput), ...graph.parameters.filter(isFloat).map(chooseParameter)];
}

const isFloat = (value: Value): boolean => value.type.dtype === 'f32';

/** Throws `SublinearError` for a name that no float parameter has. */
function listed(graph: Graph, names: readonly string[] | undefined): ReadonlySet<string> | undefined {
  if (names === undefined) return undefined;
  const known = new Set(graph.parameters.filter(isFloat).map((value) => value.name));
  const faults = names
    .filter((name) => !known.has(name))
    .map((name) => {
      const nearest = nearestName(name, known);
      return {
        code: 'unknown-parameter',
        message: `the model has no float parameter ${JSON.stringify(name)} to train`,
        hint:
          nearest === undefined ? '`sublinear inspect MODEL` lists them' : `did you mean ${JSON.stringify(nearest)}?`,
      };
    });
  if (faults.length > 0) throw new SublinearError(faults);
  return new Set(names);
}

/** What is in the numbers that no weight holds. */
function notFinite(data: ArrayLike<number> | undefined): string | undefined {
  for (let i = 0; i < (data?.length ?? 0); i++)
    if (!Number.isFinite(data![i])) return Number.isNaN(data![i]) ? 'NaN' : 'an infinite number';
  return undefined;
}

const suspicions: Readonly<Record<Exclude<ParameterUse, 'setting' | 'weight'>, string>> = {
  mask: 'is only added to what a softmax reads, as a mask is',
  added: 'is only added, as a fixed table of positions is',
  multiplied: 'is only multiplied in, as a mask is',
  chosen: 'is only one side of a Where, as a mask is',
  input: 'is only applied to an input, as the mean or deviation of the data is',
  angle: 'is only read as angles, as fixed frequencies are',
};

/** Why a parameter read so may be a constant; undefined where any reading is that of a weight. */
function suspicionOf(readings: readonly ParameterReading[]): string | undefined {
  let found: string | undefined;
  for (const { use } of readings) {
    if (use === 'weight') return undefined;
    if (use !== 'setting') found ??= suspicions[use];
  }
  return found;
}

/** Float values from which a loss is reached through ops that have gradients. */
function valuesReaching(graph: Graph, losses: readonly string[]): ReadonlySet<string> {
  const reaching = new Set(losses);
  for (let n = graph.nodes.length - 1; n >= 0; n--) {
    const node = graph.nodes[n]!;
    if (node.region !== 'forward' || !node.results.some((result) => reaching.has(result.name))) continue;
    if (opNamed(node.op).gradient === undefined) continue;
    for (const operand of node.operands) if (isFloat(operand)) reaching.add(operand.name);
  }
  return reaching;
}

/** Values used as running statistics (`Op.statistics`) and nowhere else. */
function runningStatistics(graph: Graph): ReadonlySet<string> {
  const statistics = new Set<string>();
  const elsewhere = new Set<string>();
  for (const node of graph.nodes) {
    const marked = opNamed(node.op).statistics ?? [];
    node.operands.forEach((operand, i) => {
      (marked.includes(i) ? statistics : elsewhere).add(operand.name);
    });
  }
  return new Set([...statistics].filter((name) => !elsewhere.has(name)));
}
