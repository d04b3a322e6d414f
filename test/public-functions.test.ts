/**
 * The library called with anything: every public function and every method of what they give, with values of wrong
 * kinds in each place. What comes out is an error in our words, never a TypeError from within.
 */
import { describe, expect, it } from 'vitest';
import * as library from '../src/index.ts';
import type { Tensor } from '../src/ir/graph.ts';

const { checkpoint, compile, createExecution, ModelBuilder, parsePlanGraph, SublinearError } = library;

function build() {
  const m = new ModelBuilder('model');
  const x = m.input('x', [2, 3]);
  const table = m.constant([100], new Float32Array(100).fill(2));
  const logits = m.linear(x, 4);
  m.loss(m.add(m.crossEntropy(logits, m.input('labels', [2], 'i32')), m.scale(m.mean(table), 0.5)));
  m.output(logits, 'logits');
  return m.finish();
}

const x = [1, 2, 3, 4, 5, 6];
const junk: readonly unknown[] = [
  undefined,
  null,
  5,
  'x',
  {},
  [],
  Number.NaN,
  -1,
  true,
  () => 1,
  new Map(),
  new Uint8Array(3),
];

/** What the call throws, if anything, must be ours. */
function callOnce(call: (...given: unknown[]) => unknown, given: readonly unknown[]): void {
  try {
    call(...given);
  } catch (error) {
    const ownWords = /takes (a program|an object)|^the buffer has/;
    const ours = error instanceof SublinearError || (error instanceof Error && ownWords.test(error.message));
    const shown = given.map((value) =>
      typeof value === 'object' ? JSON.stringify(value)?.slice(0, 30) : String(value),
    );
    expect(ours, `(${shown.join(', ')}): ${error instanceof Error ? error.stack : String(error)}`).toBe(true);
  }
}

/** Calls with one wrong argument in each place, and with nothing at all. */
function callWithJunk(call: (...given: unknown[]) => unknown, fine: readonly unknown[]): void {
  callOnce(call, []);
  for (const at of fine.keys()) for (const value of junk) callOnce(call, fine.toSpliced(at, 1, value));
}

describe('wrong arguments', () => {
  const model = build();
  const options = { losses: model.losses };
  const compiled = compile(model, options);
  const planGraph = parsePlanGraph(
    '{"format":"sublinear-plan-graph/1","inputs":[],"nodes":[],"outputs":[]}',
    'a plan graph',
  );
  const bytes = new Uint8Array(4);
  const fine: Readonly<Record<string, readonly unknown[]>> = {
    arrayBatches: [model.graph.inputs, new Map(), { shuffleSeed: 1 }],
    attachLoss: [model, { kind: 'sum', output: 'logits' }],
    checkpoint: [model, { optimizer: { kind: 'sgd' } }],
    compile: [model, options],
    createExecution: [compiled, { seed: 1 }],
    createMachine: [compiled.program, {}],
    explainCompiled: [compiled],
    explainPlan: [library.indexPlanGraph(planGraph), [], 5],
    fromGraphlib: [library.toGraphlib(model.graph)],
    gradients: [[], []],
    importOnnx: [bytes, {}],
    indexPlanGraph: [planGraph],
    parseGraph: ['sublinear-ir 1', 'file.ir'],
    parsePlanGraph: ['{}', 'file.json'],
    printGraph: [model.graph],
    saveOnnx: [bytes, new Map()],
    toDot: [model.graph, {}],
    toGraphlib: [model.graph],
  };
  const functions = Object.entries(library).filter(
    ([name, value]) => typeof value === 'function' && !/^[A-Z]/.test(name),
  );

  it('there are arguments for every public function', () => {
    expect(functions.map(([name]) => name).sort()).toEqual(Object.keys(fine).sort());
  });

  it.each(functions)('of %s are said in our words', (name, value) => {
    if (typeof value !== 'function') throw new Error(name);
    callWithJunk((...given) => Reflect.apply(value, undefined, given), fine[name]!);
  });

  it.each(
    Object.keys({
      losses: 0,
      loss: 0,
      weights: 0,
      seed: 0,
      backend: 0,
      threads: 0,
      strategy: 0,
      strategyOptions: 0,
      optimizer: 0,
      lossWeights: 0,
      accumulate: 0,
      clipNorm: 0,
      clipValue: 0,
      lossScale: 0,
      freeze: 0,
      trainable: 0,
      wrtValues: 0,
    }),
  )('of the option %s are said in our words', (option) => {
    const optimizer = { kind: 'sgd' };
    for (const value of junk.filter((one) => one !== undefined))
      callOnce((...given) => Reflect.apply(checkpoint, undefined, given), [model, { optimizer, [option]: value }]);
  });

  const step = checkpoint(model, { optimizer: { kind: 'sgd' } });
  const methods: Readonly<Record<string, readonly unknown[]>> = {
    run: [{ x, labels: [0, 1], learningRate: 0.1 }],
    forward: [{ x }],
    evaluate: [{ x, labels: [0, 1] }],
    evaluation: [],
    save: [],
    load: [{}],
  };
  it('there are arguments for every method of a step', () => {
    const called = Object.entries(step).flatMap(([name, value]) => (typeof value === 'function' ? [name] : []));
    expect(called.sort()).toEqual([...Object.keys(methods), 'close'].sort());
  });
  it.each(Object.keys(methods))('of the method %s of a step are said in our words', (name) => {
    const method: unknown = Reflect.get(step, name);
    if (typeof method !== 'function') throw new Error(name);
    callWithJunk((...given) => Reflect.apply(method, step, given), name === 'save' ? [] : methods[name]!);
    for (const key of ['x', 'labels', 'learningRate'])
      for (const value of junk)
        callOnce((...given) => Reflect.apply(method, step, given), [{ ...{ x, labels: [0, 1] }, [key]: value }]);
  });
  it.each([null, 5, {}, [], true])('save(%j) is no path', (path) => {
    expect(() => Reflect.apply(step.save, step, [path])).toThrow(/save takes text/);
  });
  it.each([undefined, null, 5, [], true])('load(%j) says what it takes', (source) => {
    expect(() => Reflect.apply(step.load, step, [source])).toThrow(
      /load takes a path, the bytes of what `save` wrote, or/,
    );
  });
  it.each([undefined, null, 5, 'x', []])('run(%j) says what it takes', (inputs) => {
    expect(() => Reflect.apply(step.run, step, [inputs])).toThrow(/a step takes an object of inputs by name/);
  });

  it('of the methods of an execution are said in our words', () => {
    const execution = createExecution(compiled);
    for (const name of ['setInputs', 'setRandom', 'reset', 'outputs', 'state'] as const) {
      const method: unknown = execution[name];
      if (typeof method !== 'function') throw new Error(name);
      callWithJunk((...given) => Reflect.apply(method, execution, given), name === 'setRandom' ? [1, 2] : [new Map()]);
    }
  });
});

describe('values that a type cannot hold', () => {
  const labels = (data: Tensor['data'], dtype: 'i32' | 'f32' = 'i32'): Tensor => ({
    type: { dtype, shape: [2] },
    data,
  });
  const refused: readonly (readonly [string, Tensor['data'], RegExp])[] = [
    [
      'beyond 32 bits',
      [2 ** 32, 0],
      /"labels" is i32\[2\], but element 0 is 4294967296\n.*from -2147483648 to 2147483647/,
    ],
    ['fractional', [0, 0.5], /element 1 is 0\.5/],
    ['NaN', [Number.NaN, 0], /element 0 is NaN/],
    ['too many', [0, 1, 2], /2 numbers, but was given 3/],
    ['too few', [0], /2 numbers, but was given 1/],
  ];
  const execution = createExecution(compile(build(), { losses: [] }));
  const step = checkpoint(build(), { optimizer: { kind: 'sgd' } });
  it.each(refused)('labels that are %s are refused by a step and by an execution', (_, data, message) => {
    const inputs: Map<string, Tensor> = new Map([
      ['x', { type: { dtype: 'f32', shape: [2, 3] }, data: x }],
      ['labels', labels(data)],
    ]);
    expect(() => execution.setInputs(inputs)).toThrow(SublinearError);
    expect(() => execution.setInputs(inputs)).toThrow(message);
    expect(() => step.run({ x, labels: data, learningRate: 0.1 })).toThrow(message);
    expect(step.stepCount).toBe(0);
  });

  it('an input longer than asked is refused, whatever it is given as', () => {
    const long = [...x, 7];
    for (const data of [long, Float32Array.from(long), Float64Array.from(long)])
      expect(() => step.run({ x: data, labels: [0, 1], learningRate: 0.1 })).toThrow(/6 numbers, but was given 7/);
    expect(() => step.run({ x, labels: [0, 1], learningRate: [0.1, 0.2] })).toThrow(/1 numbers, but was given 2/);
    expect(() => step.forward({ x: long })).toThrow(/6 numbers, but was given 7/);
  });

  it('unknown inputs of an execution get the nearest name', () => {
    const given = new Map([['label', labels([0, 1])]]);
    expect(() => execution.setInputs(given)).toThrow(/no input "label"\n.*did you mean "labels"\?/);
  });

  it.each([1e39, Number.POSITIVE_INFINITY, Number.NaN, -0.1, 3.5e38])('a learning rate of %d', (learningRate) => {
    const before = Array.from(step.parameters['linear.weight']!);
    expect(() => step.run({ x, labels: [0, 1], learningRate })).toThrow(/the learning rate is .* float32 holds/);
    expect(Array.from(step.parameters['linear.weight']!)).toEqual(before);
  });

  const hyperparameters: readonly (readonly [string, object, RegExp])[] = [
    [
      'an epsilon of 0',
      { optimizer: { kind: 'adam', epsilon: 0 } },
      /epsilon of adam is 0; it must be above 0 as a float32/,
    ],
    ['one that float32 has as 0', { optimizer: { kind: 'rmsprop', epsilon: 1e-46 } }, /epsilon of rmsprop is 1e-46/],
    ['one of adagrad', { optimizer: { kind: 'adagrad', epsilon: 0 } }, /epsilon of adagrad is 0/],
    [
      'a beta that float32 has as 1',
      { optimizer: { kind: 'adam', beta2: 1 - 1e-9 } },
      /beta2 of adam is 0\.999999999; .*below 1/,
    ],
    [
      'a weight decay beyond float32',
      { optimizer: { kind: 'adamw', weightDecay: 1e39 } },
      /weightDecay of adamw is 1e\+39/,
    ],
    ['NaN', { optimizer: { kind: 'sgd', momentum: Number.NaN } }, /momentum of sgd is NaN/],
    ['a bound beyond float32', { optimizer: { kind: 'sgd' }, clipNorm: 1e39 }, /clipping by norm is 1e\+39/],
    ['a loss scale beyond float32', { optimizer: { kind: 'sgd' }, lossScale: 1e39 }, /float32/],
    ['a loss weight beyond float32', { lossWeights: [1e39] }, /the weight 1e\+39 of the loss/],
    ['a seed of more than 32 bits', { seed: 2 ** 40 }, /a seed is a whole number below 2\^32/],
    ['a fractional seed', { seed: 0.5 }, /a seed is a whole number/],
  ];
  it.each(hyperparameters)('%s is refused', (_, options, message) => {
    expect(() => checkpoint(build(), options)).toThrow(SublinearError);
    expect(() => checkpoint(build(), options)).toThrow(message);
  });

  it('tensors to load are held against their types', () => {
    expect(() => step.load({ 'linear.wieght': [1] })).toThrow(/did you mean "linear\.weight"\?/);
    expect(() => step.load({ 'linear.bias': [1, 2] })).toThrow(/f32\[4\], but was given 2 numbers/);
  });
});

describe('what is handed to the library', () => {
  it('is copied: what changes afterwards changes nothing', () => {
    const model = build();
    const losses = [...model.losses];
    const optimizer = { kind: 'sgd', momentum: 0.5 };
    const lossWeights = [2];
    const untouched = checkpoint(build(), { losses: [...losses], optimizer: { ...optimizer }, lossWeights: [2] });
    const step = checkpoint(model, { losses, optimizer, lossWeights });
    losses[0] = 'gone';
    optimizer.momentum = 0;
    lossWeights[0] = 0;
    for (const { data } of model.weights.values()) if (data instanceof Float32Array) data.fill(9);
    const inputs = { x: Float32Array.from(x), labels: Int32Array.of(0, 1), learningRate: Float32Array.of(0.1) };
    const saved = untouched.save();
    step.load(saved);
    saved.fill(0);
    for (const each of [untouched, step]) {
      each.run({ x, labels: [0, 1], learningRate: 0.1 });
      each.run(inputs);
    }
    for (const data of Object.values(inputs)) data.fill(0);
    expect(step.loss).toBe(untouched.loss);
    expect(Array.from(step.parameters['linear.weight']!)).toEqual(Array.from(untouched.parameters['linear.weight']!));
    expect(step.evaluate({ x, labels: [0, 1] })).toBe(untouched.evaluate({ x, labels: [0, 1] }));
    expect(step.compiled.losses).toEqual(untouched.compiled.losses);
  });

  it('by a list of losses that grows is read once', () => {
    const model = build();
    const losses = [...model.losses];
    const compiled = compile(model, { losses });
    losses.push('more');
    expect(compiled.losses).toEqual(model.losses);
  });
});
