/**
 * Control flow that is settled at compile time: the branch of an `If` whose condition is known, and loops whose number of
 * iterations is, written out.
 */
import type { GraphProto, NodeProto } from 'onnx-buf';
import { SublinearError } from '../../ir/diagnostic.ts';
import type { Value } from '../../ir/graph.ts';
import { concat } from '../../ops/concat.ts';
import { splitTo } from '../../ops/split.ts';
import { frontAxis, reshaped } from './compose.ts';
import type { ExpansionBudget } from './expansion-budget.ts';
import type { LoweringContext } from './lowering.ts';
import { nodeLabel, nodeSource } from './node-names.ts';
import { writtenOut } from './write-out.ts';

/** Nodes that are lowered in the place of one; `rest` is called once they are. */
export interface Expansion {
  readonly nodes: readonly NodeProto[];
  rest?(): Expansion | undefined;
}

/** What stands around a node that is written out. */
export interface Surroundings {
  readonly context: LoweringContext;
  readonly budget: ExpansionBudget;
  fresh(hint: string): string;
  /** The value of an ONNX name; undefined where it cannot be computed. */
  value(name: string): Value | undefined;
  /** Numbers of a value that are known before the step runs. */
  contents(value: Value): ArrayLike<number> | undefined;
  /** Counts a read of `name` that no node makes. */
  use(name: string): void;
  /** Gives `value` the ONNX name `name`. */
  define(name: string, value: Value): void;
  /** `name` cannot be computed for want of `needs`. */
  miss(name: string, needs: readonly string[]): void;
  /** Makes the initializers of a graph within the node values; their names by those in the graph. */
  initializers(graph: GraphProto, label: string): ReadonlyMap<string, string>;
  /** The nodes of a graph, each after those it reads. */
  sorted(graph: GraphProto): readonly NodeProto[];
}

type Expander = (node: NodeProto, around: Surroundings) => Expansion | undefined;

const remedy =
  'export the model by tracing it, so that no control flow is left; or make it known: fix the extents (--dim), give the inputs it is computed from (--inputs)';

function bodyOf(node: NodeProto, name: string): GraphProto {
  const graph = node.attribute.find((attribute) => attribute.name === name)?.g;
  if (graph !== undefined) return graph;
  throw new SublinearError({
    code: 'missing-attribute',
    message: `${node.opType} has no ${name}`,
    source: nodeSource(node),
  });
}

/** The one number of operand `index`; undefined where the operand is left out. */
function known(node: NodeProto, around: Surroundings, index: number, what: string): number | undefined {
  const name = node.input[index] ?? '';
  if (name === '') return undefined;
  return knownValue(name, around, what);
}

function knownValue(name: string, { context, value, contents }: Surroundings, what: string): number {
  const numbers = contents(value(name)!);
  if (numbers === undefined)
    return context.fail(
      `its ${what} ${JSON.stringify(name)} is computed in the step, and control flow is settled before it`,
      remedy,
    );
  const [number] = Array.from({ length: Math.min(numbers.length, 1) }, (_, i) => numbers[i]!);
  if (numbers.length !== 1 || number === undefined)
    return context.fail(`its ${what} ${JSON.stringify(name)} has ${numbers.length} elements, not 1`);
  return number;
}

/** The nodes of the branch that is taken; its results are those of the node. */
const expandIf: Expander = (node, around) => {
  const condition = known(node, around, 0, 'condition') ?? around.context.fail('its condition is left out');
  const branch = bodyOf(node, condition !== 0 ? 'then_branch' : 'else_branch');
  if (branch.output.length !== node.output.length)
    around.context.fail(`its branch has ${branch.output.length} outputs, and the node ${node.output.length}`);
  const label = nodeLabel(node);
  around.budget.take(branch.node.length, `If ${JSON.stringify(label)}`, nodeSource(node));
  const nodes = writtenOut({
    label,
    nodes: around.sorted(branch),
    given: around.initializers(branch, label),
    results: branch.output.map(({ name }, i) => [name, node.output[i]!]),
    fresh: around.fresh,
    captures: true,
    bind: (attribute) => [attribute],
  });
  return { nodes };
};

/** A loop while it is written out. */
interface Unrolling {
  readonly body: GraphProto;
  /** Names that the body's inputs have in iteration `i`, those that are carried aside. */
  inputs(i: number): readonly string[];
  /** Inputs of the body that come before those that are carried. */
  readonly leading: number;
  /** Whether iteration `i` is run; `condition` names what the one before said, if the body says so. */
  runs(i: number, condition: string | undefined): boolean;
  /** Whether the first output of the body says if another iteration follows. */
  readonly decides: boolean;
  /** Names of the values that are carried, before the first iteration. */
  readonly carried: readonly string[];
  /** One value of all iterations' values. */
  stacked(parts: readonly Value[], output: number): Value;
}

function unrolled(node: NodeProto, around: Surroundings, loop: Unrolling): Expansion | undefined {
  const { body } = loop;
  const { context, budget, fresh, value, define, miss } = around;
  const label = nodeLabel(node);
  const what = `${node.opType} ${JSON.stringify(label)}`;
  const count = loop.carried.length;
  const decided = loop.decides ? 1 : 0;
  const collected = body.output.slice(decided + count).map((): string[] => []);
  const outputs = count + collected.length;
  if (collected.length !== body.output.length - decided - count || outputs < node.output.length)
    context.fail(`its body has ${body.output.length} outputs for ${node.output.length} of the node`);
  if (loop.carried.includes('')) context.fail('a value that it carries is left out');
  const nodes = around.sorted(body);
  const stored = around.initializers(body, label);

  const finish = (carried: readonly string[]): undefined => {
    node.output.forEach((name, i) => {
      if (name === '') return;
      const parts = i < count ? [carried[i]!] : collected[i - count]!;
      const absent = parts.filter((part) => value(part) === undefined);
      if (absent.length > 0) miss(name, absent);
      else if (i < count) define(name, value(parts[0]!)!);
      else if (context.usesOutput(i)) {
        if (parts.length === 0) context.fail(`output ${i} collects nothing: the loop runs no iteration`);
        define(
          name,
          loop.stacked(
            parts.map((part) => value(part)!),
            i - count,
          ),
        );
      }
    });
  };
  const iterate = (i: number, carried: readonly string[], condition: string | undefined): Expansion | undefined => {
    if (condition !== undefined && value(condition) === undefined) {
      for (const name of node.output) if (name !== '') miss(name, [condition]);
      return undefined;
    }
    if (!loop.runs(i, condition)) return finish(carried);
    budget.take(body.node.length + 1, what, nodeSource(node));
    const inputs = loop.inputs(i);
    const given = new Map(stored);
    body.input.forEach(({ name }, at) => {
      const from = at - loop.leading;
      const isCarried = from >= 0 && from < count;
      given.set(name, (isCarried ? carried[from] : inputs[from < 0 ? at : at - count]) ?? '');
    });
    const results = body.output.map(({ name }) => [name, fresh(`${label}/${name}`)] as const);
    const names = results.map(([, outer]) => outer);
    for (const name of names) around.use(name);
    collected.forEach((list, at) => {
      list.push(names[decided + count + at]!);
    });
    const written = writtenOut({
      ...{ label, nodes, given, results, fresh },
      captures: true,
      bind: (attribute) => [attribute],
    });
    budget.takeNames(written, what, nodeSource(node));
    return {
      nodes: written,
      rest: () => iterate(i + 1, names.slice(decided, decided + count), loop.decides ? names[0] : undefined),
    };
  };
  return iterate(0, loop.carried, undefined);
}

const expandLoop: Expander = (node, around) => {
  const { context, fresh, define } = around;
  const body = bodyOf(node, 'body');
  const label = nodeLabel(node);
  const most = known(node, around, 0, 'trip count') ?? Number.POSITIVE_INFINITY;
  const first = known(node, around, 1, 'condition') ?? 1;
  const constant = (dtype: 'i64' | 'bool', number: number): string => {
    const name = fresh(`${label}/${dtype === 'i64' ? 'iteration' : 'condition'}`);
    define(name, context.constant({ dtype, shape: [] }, [number]));
    return name;
  };
  return unrolled(node, around, {
    body,
    inputs: (i) => [constant('i64', i), constant('bool', 1)],
    leading: 2,
    runs: (i, condition) =>
      i < most && (condition === undefined ? first : knownValue(condition, around, 'condition')) !== 0,
    decides: true,
    carried: node.input.slice(2),
    stacked: (parts) => stackedAt(context, parts, 0),
  });
};

const expandScan: Expander = (node, around) => {
  const { context, fresh, define, value } = around;
  const { attributes } = context;
  if (context.opset < 9) context.fail('it is supported from opset 9');
  const body = bodyOf(node, 'body');
  const label = nodeLabel(node);
  const count = attributes.int('num_scan_inputs') ?? context.fail('its num_scan_inputs is left out');
  const scanned = node.input.slice(node.input.length - count);
  if (count < 1 || scanned.length !== count) context.fail(`it has ${node.input.length} inputs, not ${count} to scan`);
  const axes = attributes.ints(
    'scan_input_axes',
    scanned.map(() => 0),
  );
  const backwards = attributes.ints(
    'scan_input_directions',
    scanned.map(() => 0),
  );
  const outputAxes = attributes.ints('scan_output_axes') ?? [];
  const outputBackwards = attributes.ints('scan_output_directions') ?? [];
  const operands = scanned.map((name) => value(name)!);
  const fronts = operands.map(({ type }, i) => frontAxis(context, axes[i] ?? 0, type.shape.length));
  const lengths = operands.map(({ type }, i) => type.shape[fronts[i]!]!);
  const length = lengths[0]!;
  if (lengths.some((other) => other !== length))
    context.fail(`it scans sequences of different lengths: ${lengths.join(', ')}`);
  around.budget.take(length * count, `Scan ${JSON.stringify(label)}`, nodeSource(node));
  const steps = operands.map((operand, i) => {
    const axis = fronts[i]!;
    const parts = length === 1 ? [operand] : splitTo(context, operand, axis, new Array<number>(length).fill(1));
    return parts.map((part) => reshaped(context, part, part.type.shape.toSpliced(axis, 1)));
  });
  return unrolled(node, around, {
    body,
    inputs: (i) =>
      scanned.map((scannedName, at) => {
        const name = fresh(`${label}/${scannedName}`);
        define(name, steps[at]![backwards[at] === 1 ? length - 1 - i : i]!);
        return name;
      }),
    leading: 0,
    runs: (i) => i < length,
    decides: false,
    carried: node.input.slice(0, node.input.length - count),
    stacked: (parts, output) => {
      const ordered = outputBackwards[output] === 1 ? [...parts].reverse() : parts;
      const axis = frontAxis(context, outputAxes[output] ?? 0, parts[0]!.type.shape.length + 1);
      return stackedAt(context, ordered, axis);
    },
  });
};

/** The parts side by side along a new axis. */
function stackedAt(context: LoweringContext, parts: readonly Value[], axis: number): Value {
  const wide = parts.map((part) => reshaped(context, part, part.type.shape.toSpliced(axis, 0, 1)));
  return wide.length === 1 ? wide[0]! : context.emit(concat, wide, { axis });
}

export const controlFlow: ReadonlyMap<string, Expander> = new Map([
  ['If', expandIf],
  ['Loop', expandLoop],
  ['Scan', expandScan],
]);
