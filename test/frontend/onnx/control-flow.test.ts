import { create, toBinary } from '@bufbuild/protobuf';
import {
  AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  TensorProto_DataType as DataType,
  FunctionProtoSchema,
  type GraphProto,
  GraphProtoSchema,
  ModelProtoSchema,
  type NodeProto,
  type TensorProto,
  ValueInfoProtoSchema,
} from 'onnx-buf';
import { describe, expect, it } from 'vitest';
import { type ImportOptions, importOnnx } from '../../../src/frontend/onnx/import.ts';
import { type Diagnostic, SublinearError } from '../../../src/ir/diagnostic.ts';
import type { Tensor } from '../../../src/ir/graph.ts';
import { evaluateGraph } from '../../evaluate-graph.ts';
import {
  floats,
  initializer,
  input,
  integer,
  integers,
  type ModelParts,
  modelBytes,
  modelProto,
  node,
  ramp,
} from '../onnx-models.ts';

interface Parts {
  readonly inputs?: readonly string[];
  readonly outputs: readonly string[];
  readonly initializers?: readonly TensorProto[];
}

function graph(nodes: readonly NodeProto[], { inputs = [], outputs, initializers = [] }: Parts): GraphProto {
  const named = (names: readonly string[]) => names.map((name) => create(ValueInfoProtoSchema, { name }));
  return create(GraphProtoSchema, {
    ...{ name: 'inner', node: [...nodes], input: named(inputs), output: named(outputs) },
    initializer: [...initializers],
  });
}

/** The node with graphs as attributes. */
function withGraphs(on: NodeProto, graphs: Readonly<Record<string, GraphProto>>): NodeProto {
  for (const [name, g] of Object.entries(graphs))
    on.attribute.push(create(AttributeProtoSchema, { name, type: AttributeType.GRAPH, g }));
  return on;
}

const branch = (nodes: readonly NodeProto[], ...outputs: readonly string[]): GraphProto => graph(nodes, { outputs });
const choose = (condition: string, output: string | readonly string[], then: GraphProto, otherwise: GraphProto) =>
  withGraphs(node('If', [condition], output), { then_branch: then, else_branch: otherwise });
const bool = (value: boolean): Tensor => ({ type: { dtype: 'bool', shape: [] }, data: [value ? 1 : 0] });
const condition = (value: boolean): TensorProto => initializer('cond', bool(value));

function outputs(parts: ModelParts, options: ImportOptions = {}): Readonly<Record<string, readonly number[]>> {
  const { model } = importOnnx(modelBytes(parts), options);
  const values = evaluateGraph(model, new Map([['x', floats([3], 1, 2, 3)]]));
  return Object.fromEntries(model.graph.outputs.map(({ name }) => [name, [...values.get(name)!.data]]));
}

function faults(parts: ModelParts, options: ImportOptions = {}): readonly Diagnostic[] {
  try {
    importOnnx(modelBytes(parts), options);
  } catch (error) {
    if (error instanceof SublinearError) return error.diagnostics;
    throw error;
  }
  throw new Error('the model was imported');
}

const x = input('x', [3]);

describe('If with a known condition', () => {
  const negated = branch(
    [node('Neg', ['x'], 'h'), node('Add', ['h', 'x'], 'z'), node('Sub', ['z', 'x'], 'out')],
    'out',
  );
  const doubled = branch([node('Add', ['x', 'x'], 'out')], 'out');

  it.each([
    [true, [-1, -2, -3]],
    [false, [2, 4, 6]],
  ])('gives what the branch gives that is taken: %s', (value, y) => {
    const nodes = [choose('cond', 'y', negated, doubled)];
    expect(outputs({ nodes, inputs: [x], outputs: ['y'], initializers: [condition(value)] })).toEqual({ y });
  });

  it('takes the shape arithmetic that squeeze(1) exports, and branches of different shapes', () => {
    const nodes = [
      node('Shape', ['x'], 'shape'),
      node('Gather', ['shape', 'one'], 'extent', { axis: 0 }),
      node('Equal', ['extent', 'one'], 'is_one'),
      choose(
        'is_one',
        'y',
        branch([node('Squeeze', ['x', 'axes'], 'squeezed')], 'squeezed'),
        branch([node('Identity', ['x'], 'same')], 'same'),
      ),
      node('Tanh', ['y'], 'z'),
    ];
    const initializers = [initializer('one', integer(1)), initializer('axes', integers(1))];
    const shapeOf = (n: number) =>
      importOnnx(modelBytes({ nodes, inputs: [input('x', [2, 'n'])], outputs: ['z'], initializers }), {
        dims: { n },
      }).model.graph.nodes.at(-1)!.results[0]!.type.shape;
    expect(shapeOf(1)).toEqual([2]);
    expect(shapeOf(4)).toEqual([2, 4]);
  });

  it('nests, captures values of every graph around it, and keeps names apart', () => {
    const inner = choose(
      'cond',
      'h',
      branch([node('Mul', ['x', 'a'], 'h')], 'h'),
      branch([node('Identity', ['x'], 'h')], 'h'),
    );
    const outer = branch([node('Add', ['x', 'x'], 'a'), inner, node('Add', ['h', 'w'], 'out')], 'out');
    const w = initializer('w', floats([3], 10, 20, 30));
    const nodes = [
      choose('cond', 'first', outer, negated),
      choose('cond', 'y', outer, negated),
      node('Sub', ['first', 'y'], 'zero'),
    ];
    const parts = { nodes, inputs: [x], outputs: ['y', 'zero'], initializers: [condition(true), w] };
    expect(outputs(parts)).toEqual({ y: [12, 28, 48], zero: [0, 0, 0] });
    const names = importOnnx(modelBytes(parts)).model.graph.nodes.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(names).toContain('first/a');
  });

  it('hands on captured values, initializers of the branch, and one value under two names', () => {
    const own = graph([], { outputs: ['x', 'w', 'w'], initializers: [initializer('w', floats([1], 5))] });
    const nodes = [choose('cond', ['a', 'b', 'c'], own, negated)];
    const parts = { nodes, inputs: [x], outputs: ['a', 'b', 'c'], initializers: [condition(true)] };
    expect(outputs(parts)).toEqual({ a: [1, 2, 3], b: [5], c: [5] });
    expect(importOnnx(modelBytes(parts)).parameterNames).toEqual(['a/w']);
  });

  it('does not mind what the other branch holds', () => {
    const hopeless = branch([node('NonZero', ['x'], 'nz'), node('MatMul', ['nz', 'x'], 'out')], 'out');
    const nodes = [choose('cond', 'y', hopeless, doubled)];
    expect(outputs({ nodes, inputs: [x], outputs: ['y'], initializers: [condition(false)] }).y).toEqual([2, 4, 6]);
    const taken = faults({ nodes, inputs: [x], outputs: ['y'], initializers: [condition(true)] });
    expect(taken.map(({ message, source }) => [message, source])).toEqual([
      ['operator NonZero is not supported (opset 17)', 'onnx NonZero "y/NonZero"'],
    ]);
  });

  it('stands in front of what it reads', () => {
    const nodes = [
      choose('cond', 'y', branch([node('Tanh', ['late'], 'o')], 'o'), doubled),
      node('Sub', ['x', 'x'], 'late'),
    ];
    expect(outputs({ nodes, inputs: [x], outputs: ['y'], initializers: [condition(true)] }).y).toEqual([0, 0, 0]);
  });

  it('may stand in a function, and call one', () => {
    const call = (name: string, to: string) => Object.assign(node('Twice', [name], to), { domain: 'example' });
    // The branch makes an `x` of its own, which the call's x must not meet.
    const inner = choose(
      'c',
      'b',
      branch([node('Neg', ['a'], 'x'), node('Add', ['x', 'a'], 'zero'), node('Sub', ['zero', 'x'], 'o')], 'o'),
      branch([node('Identity', ['a'], 'o')], 'o'),
    );
    const body = [node('Constant', [], 'c', { value: bool(true) }), inner];
    const model = modelProto({
      nodes: [choose('cond', 'y', branch([call('x', 'q'), node('Add', ['q', 'x'], 'o')], 'o'), doubled)],
      ...{ inputs: [x], outputs: ['y'], initializers: [condition(true)] },
    });
    model.functions.push(
      create(FunctionProtoSchema, {
        ...{ name: 'Twice', domain: 'example', input: ['a'], output: ['b'], node: body },
        opsetImport: [{ domain: '', version: 17n }],
      }),
    );
    const imported = importOnnx(toBinary(ModelProtoSchema, model)).model;
    const values = evaluateGraph(imported, new Map([['x', floats([3], 1, 2, 3)]]));
    expect([...values.get('y')!.data]).toEqual([2, 4, 6]);
  });

  it('relies on a given input, and says so', () => {
    const parts = {
      nodes: [choose('flag', 'y', negated, doubled)],
      inputs: [x, input('flag', [], DataType.BOOL)],
      outputs: ['y'],
    };
    const given = new Map([['flag', bool(true)]]);
    expect(importOnnx(modelBytes(parts), { given }).notes.map(({ code }) => code)).toEqual(['specialized-input']);
    const [fault] = faults(parts);
    expect(fault).toMatchObject({
      source: 'onnx If "y"',
      message: 'If (opset 17): its condition "flag" is computed in the step, and control flow is settled before it',
      hint: expect.stringContaining('--inputs'),
    });
  });

  it('is refused where a branch has other outputs than the node, or none', () => {
    const common = { inputs: [x], outputs: ['y'], initializers: [condition(true)] };
    const several = branch([node('Neg', ['x'], 'h')], 'h', 'h');
    expect(faults({ ...common, nodes: [choose('cond', 'y', several, doubled)] })[0]!.message).toBe(
      'If (opset 17): its branch has 2 outputs, and the node 1',
    );
    expect(faults({ ...common, nodes: [node('If', ['cond'], 'y')] })[0]!.message).toBe('If has no then_branch');
    const twice = branch([node('Neg', ['x'], 'h'), node('Abs', ['x'], 'h')], 'h');
    expect(faults({ ...common, nodes: [choose('cond', 'y', twice, doubled)] })[0]!.code).toBe('duplicate-name');
    const unknown = branch([node('Neg', ['nothing'], 'h')], 'h');
    expect(faults({ ...common, nodes: [choose('cond', 'y', unknown, doubled)] })[0]!.code).toBe('undefined-value');
  });
});

describe('Loop and Scan', () => {
  /** s <- s + x; another iteration while `more` of the iteration number says so; collects s. */
  const body = (...more: readonly NodeProto[]) =>
    graph([...more, node('Add', ['s', 'x'], 's_next'), node('Identity', ['s_next'], 'seen')], {
      inputs: ['i', 'c', 's'],
      outputs: [more.length > 0 ? 'more' : 'c', 's_next', 'seen'],
    });
  const loop = (trips: string, start: string, over: GraphProto) =>
    withGraphs(node('Loop', [trips, start, 'x'], ['last', 'all']), { body: over });
  const parts = (nodes: readonly NodeProto[], initializers: readonly TensorProto[] = []): ModelParts => ({
    ...{ nodes, inputs: [x], outputs: ['last', 'all'] },
    initializers: [initializer('three', integer(3)), initializer('two', integer(2)), ...initializers],
  });

  it('Loop is written out as often as its trip count says', () => {
    expect(outputs(parts([loop('three', '', body())]))).toEqual({
      last: [4, 8, 12],
      all: [2, 4, 6, 3, 6, 9, 4, 8, 12],
    });
  });

  it('Loop ends when its body says so', () => {
    const ending = loop('', 'cond', body(node('Less', ['i', 'two'], 'more')));
    expect(outputs(parts([ending], [condition(true)])).last).toEqual([4, 8, 12]);
    const none = { ...parts([loop('three', 'cond', body())], [condition(false)]), outputs: ['last'] };
    expect(outputs(none)).toEqual({ last: [1, 2, 3] });
    expect(faults(parts([loop('three', 'cond', body())], [condition(false)]))[0]!.message).toContain(
      'the loop runs no iteration',
    );
  });

  it('Loop is refused where its end is not known, or too far', () => {
    const open = loop(
      '',
      'cond',
      body(node('ReduceSum', ['s'], 'sum', { keepdims: 0 }), node('Less', ['sum', 'top'], 'more')),
    );
    const [fault] = faults(parts([open], [condition(true), initializer('top', floats([], 9))]));
    expect(fault!.message).toMatch(/its condition "last\/more" is computed in the step/);
    const endless = faults(parts([loop('', 'cond', body())], [condition(true)]));
    expect(endless[0]).toMatchObject({ code: 'too-large', message: expect.stringContaining('more than 50000 nodes') });
    const longer = parts([loop('three', '', body())]);
    expect(faults(longer, { expansionLimit: 8 })[0]!.hint).toContain('--expansion-limit');
    expect(importOnnx(modelBytes(longer), { expansionLimit: 9 }).model.graph.nodes.length).toBeGreaterThan(0);
  });

  it('Scan goes over slices of its inputs, either way', () => {
    const summing = graph([node('Add', ['s', 'a'], 'sum'), node('Mul', ['sum', 's'], 'y')], {
      inputs: ['s', 'a'],
      outputs: ['sum', 'y'],
    });
    const scan = (more: Readonly<Record<string, number | readonly number[]>>): readonly (readonly number[])[] => {
      const on = withGraphs(node('Scan', ['x', 'm'], ['last', 'all'], { num_scan_inputs: 1, ...more }), {
        body: summing,
      });
      const { last, all } = outputs(parts([on], [initializer('m', ramp(2, 3))]));
      return [last!, all!];
    };
    const rows = [ramp(2, 3).data].flatMap((data) => [[...data].slice(0, 3), [...data].slice(3)]);
    const run = (first: readonly number[], second: readonly number[], turned: boolean) => {
      const a = [1, 2, 3].map((v, i) => Math.fround(v + first[i]!));
      const b = a.map((v, i) => Math.fround(v + second[i]!));
      const ys = [a.map((v, i) => Math.fround(v * (i + 1))), b.map((v, i) => Math.fround(v * a[i]!))];
      return [b, (turned ? ys.reverse() : ys).flat()];
    };
    expect(scan({})).toEqual(run(rows[0]!, rows[1]!, false));
    expect(scan({ scan_input_directions: [1], scan_output_directions: [1] })).toEqual(run(rows[1]!, rows[0]!, true));
  });
});
