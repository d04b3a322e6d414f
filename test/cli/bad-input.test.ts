/**
 * Whatever is wrong with what a user brings: one clear message on standard error, nothing on standard output, the exit
 * code of whose fault it is (1 the input's, 2 the command's), no stack trace, and no file written.
 */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import {
  TensorProto_DataType as DataType,
  StringStringEntryProtoSchema,
  TensorProto_DataLocation,
  TensorProtoSchema,
} from 'onnx-buf';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  floats,
  initializer,
  input,
  integers,
  type ModelParts,
  modelBytes,
  node,
  ramp,
} from '../frontend/onnx-models.ts';
import { type CommandResult, filesBelow, sublinear, temporaryFolder } from './harness.ts';
import { deepModel, writeInto, writeModel, writeTensor } from './models.ts';

let folder = '';
const home = process.cwd();

beforeEach(() => {
  folder = temporaryFolder();
  process.chdir(folder);
});
afterEach(() => process.chdir(home));

/** Runs a command that must fail; `message` is what standard error holds, from its first line on. */
async function refused(code: number, argv: readonly string[], ...message: readonly string[]): Promise<CommandResult> {
  const before = filesBelow(folder);
  const result = await sublinear(...argv);
  expect(result.stderr).toContain('error: ');
  for (const part of message) expect(result.stderr).toContain(part);
  expect(result.code).toBe(code);
  expect(result.stdout).toBe('');
  expect(result.stderr).not.toMatch(/\n\s+at .*\.[tj]s:\d+/);
  expect(filesBelow(folder)).toEqual(before);
  return result;
}

/** `run` and `compile` of a model that is at fault, with every kind of output asked for. */
async function refusedModel(path: string, ...message: readonly string[]): Promise<void> {
  await refused(1, ['run', path, '--gradients', 'out/g', '--outputs', 'out/o', '--compare'], ...message);
  await refused(1, ['compile', path, '--emit', 'ir,dot,svg,plan', '-o', 'out/c', '--json'], ...message);
}

const trained = (parts: Partial<ModelParts>): ModelParts => ({ ...deepModel(2), ...parts });
const relu = [node('Relu', ['x'], 'y')];

describe('models', () => {
  it('that are not there, are a folder, or of no kind that is read', async () => {
    await refused(1, ['run', 'absent.onnx'], 'cannot read the model absent.onnx: there is no such file');
    await refused(1, ['run', 'absent.ts'], 'cannot read the module absent.ts: there is no such file');
    mkdirSync('folder.onnx');
    await refused(1, ['run', 'folder.onnx'], 'cannot read the model folder.onnx: it is a folder');
    await refused(2, ['run', 'model.pt'], 'model.pt is no kind of model that can be read', '.onnx files');
  });

  it('that are no protobuf', async () => {
    await refusedModel(writeInto(folder, 'text.onnx', 'not a model\n'), 'not an ONNX model', 'text.onnx');
    await refusedModel(writeInto(folder, 'empty.onnx', ''), 'the file is empty');
    writeTensor(folder, 'tensor.onnx', 'x', floats([2], 1, 2));
    await refusedModel('tensor.onnx', 'not an ONNX model');
  });

  it('that are cut short', async () => {
    const whole = modelBytes(deepModel(3));
    for (const length of [20, whole.length >> 1, whole.length - 1])
      await refusedModel(writeInto(folder, 'cut.onnx', whole.slice(0, length)), 'cut short', `${length} bytes`);
  });

  it('with an operator that is not known: the nearest is named', async () => {
    writeModel(folder, 'op.onnx', trained({ nodes: [node('Rellu', ['x'], 'y')], outputs: ['y'] }));
    await refusedModel(
      'op.onnx',
      'operator Rellu is not supported (opset 17)',
      'the nearest supported operator is Relu',
    );
  });

  it('with an element type that is not known', async () => {
    writeModel(folder, 'type.onnx', { nodes: relu, inputs: [input('x', [2], DataType.STRING)], outputs: ['y'] });
    await refusedModel('type.onnx', 'input "x" has the unsupported element type STRING', 'supported are FLOAT');
    writeModel(folder, 'number.onnx', { nodes: relu, inputs: [input('x', [2], 99)], outputs: ['y'] });
    await refusedModel('number.onnx', 'input "x" has the unsupported element type');
  });

  it('with a cycle', async () => {
    const nodes = [node('Add', ['x', 'b'], 'a'), node('Relu', ['a'], 'b')];
    writeModel(folder, 'cycle.onnx', { nodes, inputs: [input('x', [2])], outputs: ['b'] });
    await refusedModel('cycle.onnx', 'the graph has a cycle', '"a"', '"b"');
  });

  it('whose external data is not there', async () => {
    const outside = create(TensorProtoSchema, {
      name: 'w',
      dims: [2n],
      dataType: DataType.FLOAT,
      dataLocation: TensorProto_DataLocation.EXTERNAL,
      externalData: [create(StringStringEntryProtoSchema, { key: 'location', value: 'weights.bin' })],
    });
    const nodes = [node('Add', ['x', 'w'], 'y')];
    writeModel(folder, 'external.onnx', { nodes, inputs: [input('x', [2])], outputs: ['y'], initializers: [outside] });
    await refusedModel('external.onnx', 'weights.bin', 'which is not there');
  });

  it('whose shapes do not go together', async () => {
    const parts = {
      nodes: [node('MatMul', ['x', 'w'], 'y')],
      outputs: ['y'],
      initializers: [initializer('w', ramp(4, 3))],
    };
    writeModel(folder, 'shape.onnx', { ...parts, inputs: [input('x', [2, 5])] });
    await refusedModel('shape.onnx', 'f32[2,5] and f32[4,3] do not multiply', 'MatMul "y"');
  });

  it('with a dimension that is not bound', async () => {
    writeModel(folder, 'deep.onnx', deepModel(2));
    await refusedModel(
      'deep.onnx',
      'input "x" has the shape [batch, 4], in which "batch" is not bound',
      '--dim batch=N',
    );
    await refused(1, ['run', 'deep.onnx', '--dim', 'btach=2'], 'no input has a dimension named "btach"', '"batch"');
    await refused(2, ['run', 'deep.onnx', '--dim', 'batch=0'], 'Write it like batch=8');
    await refused(2, ['run', 'deep.onnx', '--dim', 'batch=2', '--dim', 'batch=3'], 'given twice');
    await refused(1, ['run', 'deep.onnx', '--dim', 'batch=99999999999'], 'too large to be held in memory');
  });

  it('whose weights are missing, or belong to another model', async () => {
    const parts = trained({ inputs: [input('x', [2, 4]), input('layer0/w:0', [4, 4])] });
    const [, second] = deepModel(2).initializers!;
    writeModel(folder, 'bare.onnx', { ...parts, initializers: [second!] });
    const params = ['--params', 'layer0*'];
    await refused(1, ['run', 'bare.onnx', ...params], '1 of the model', 'layer0/w:0', '--weights he');
    writeInto(folder, 'bad.safetensors', 'nope');
    await refused(
      1,
      ['run', 'bare.onnx', ...params, '--weights', 'bad.safetensors'],
      'not a valid safetensors',
      'bad.safetensors',
    );
    await refused(1, ['run', 'bare.onnx', ...params, '--weights', 'no.safetensors'], 'there is no such file');
    await refused(2, ['run', 'bare.onnx', ...params, '--weights', 'hee'], 'hash:GAIN');
  });

  it('as text that does not parse, or is no valid graph', async () => {
    writeInto(
      folder,
      'op.ir',
      'sublinear-ir 1\ngraph @g(%x: f32[2]) -> (%y) {\nforward:\n  %y = tanhh %x : f32[2]\n}\n',
    );
    await refused(1, ['run', 'op.ir'], 'there is no op "tanhh"', 'did you mean "tanh"?');
    writeInto(
      folder,
      'use.ir',
      'sublinear-ir 1\ngraph @g(%x: f32[2]) -> (%y) {\nforward:\n  %y = tanh %z : f32[2]\n}\n',
    );
    await refused(1, ['compile', 'use.ir'], '%z', 'use.ir:4:13');
    writeInto(folder, 'binary.ir', modelBytes(deepModel(2)));
    const { stderr } = await refused(1, ['compile', 'binary.ir'], 'expected "sublinear-ir" at the start');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: none of them may reach a terminal
    expect(stderr).not.toMatch(/[\u0000-\u0008\u001b]/);
    await refused(2, ['compile', 'op.ir', '--dim', 'batch=2'], '--dim batch is for ONNX models');
  });

  it('as modules that fail, or export none', async () => {
    writeInto(folder, 'throws.mjs', "throw new Error('boom')");
    await refused(1, ['run', './throws.mjs'], './throws.mjs cannot be loaded: boom');
    writeInto(folder, 'none.mjs', 'export const x = 1;');
    await refused(1, ['run', 'none.mjs'], 'none.mjs exports no model', 'finish()');
    writeInto(
      folder,
      'junk.mjs',
      'export const model = { graph: { nodes: [{}], inputs: [], outputs: [] }, weights: new Map() };',
    );
    await refused(1, ['run', 'junk.mjs'], 'is no graph');
    writeInto(folder, 'call.mjs', "export default () => { throw new TypeError('inside'); };");
    await refused(1, ['run', 'call.mjs'], 'inside');
    writeInto(folder, 'syntax.ts', 'const = 3');
    await refused(1, ['run', 'syntax.ts'], 'syntax.ts cannot be loaded');
  });
});

describe('losses', () => {
  beforeEach(() => {
    const nodes = [node('Mul', ['x', 'w'], 'y'), node('Relu', ['y'], 'scores')];
    writeModel(folder, 'vector.onnx', {
      nodes,
      inputs: [input('x', [3])],
      outputs: ['y', 'scores'],
      initializers: [initializer('w', ramp(3))],
    });
  });

  it('that are missing, no scalar, or unknown', async () => {
    await refusedModel('vector.onnx', 'the model has no scalar output to differentiate', 'y: f32[3]', '--loss');
    await refused(
      1,
      ['run', 'vector.onnx', '--loss', 'y'],
      'the loss "y" is f32[3]; a loss is one f32 number',
      '--loss sum:OUTPUT',
    );
    await refused(1, ['inspect', 'vector.onnx', '--loss', 'y'], 'the loss "y" is f32[3]; a loss is one f32 number');
    await refused(1, ['run', 'vector.onnx', '--loss', 'sum:score'], 'no output "score"', '"scores"');
    await refused(2, ['run', 'vector.onnx', '--loss', 'summ'], 'did you mean "sum"?');
    await refused(1, ['run', 'vector.onnx', '--loss', 'cross-entropy:y'], '[batch, classes, ...]');
  });

  it('that reach nothing that is asked for', async () => {
    await refused(
      1,
      ['run', 'vector.onnx', '--loss', 'sum:y', '--freeze', '*'],
      'no value was chosen to be differentiated',
    );
  });
});

describe('checkpoints, strategies and plans', () => {
  const deep = ['deep.onnx', '--dim', 'batch=2'];
  beforeEach(() => {
    writeModel(folder, 'deep.onnx', deepModel(6));
  });

  it('unknown checkpoint: the nearest is named', async () => {
    const manual = ['run', ...deep, '--strategy', 'manual'];
    await refused(1, [...manual, '--checkpoint', 'aa3'], 'no value is named "aa3"', 'did you mean "a3"?');
    await refused(1, [...manual, '--checkpoint', 'd_h1'], '"d_h1" is made by a backward');
    await refused(1, [...manual, '--checkpoint', 'a5'], 'saves nothing');
    await refused(2, manual, 'needs the values to keep');
    await refused(
      2,
      ['run', ...deep, '--checkpoint', 'a3'],
      'means nothing to the strategy memory',
      '--strategy manual',
    );
  });

  it('unknown strategy, and options of another', async () => {
    await refused(2, ['run', ...deep, '--strategy', 'sped'], 'unknown strategy "sped"', 'did you mean "speed"?');
    await refused(
      2,
      ['run', ...deep, '--strategy', 'speed', '--segments', '2'],
      'strategy speed has no option "segments"',
    );
    await refused(2, ['run', ...deep, '--segments', '0'], 'at least 1');
    await refused(2, ['run', ...deep, '--costs', 'free'], 'roofline, unit');
  });

  it('budgets that cannot be met: exit code 3, and the smallest that can', async () => {
    const { stderr } = await refused(3, ['run', ...deep, '--budget', '1KiB', '--gradients', 'out'], 'budget');
    expect(stderr).toMatch(/hint: .*\d/);
    await refused(2, ['run', ...deep, '--budget', '12 parsecs'], '12 parsecs');
    await refused(2, ['run', ...deep, '--budget', '0'], 'budget');
  });

  it('plan of another graph, or no plan', async () => {
    const made = await sublinear('compile', 'deep.onnx', '--dim', 'batch=3', '--emit', 'plan', '-o', 'plans');
    expect(made.code).toBe(0);
    const plan = join('plans', 'step.plan.json');
    const replay = (path: string) => ['run', ...deep, '--plan', path, '--gradients', 'out'];
    await refused(1, replay(plan), `${plan} was made for another graph`, 'compile the model anew');
    await refused(1, replay('absent.json'), 'cannot read the plan absent.json');
    await refused(1, replay('deep.onnx'), 'deep.onnx is not JSON');
    const text = readFileSync(plan, 'utf8');
    writeInto(folder, 'old.json', text.replace('sublinear-plan/1', 'sublinear-plan/9'));
    await refused(1, replay('old.json'), 'old.json is not a plan file: format');
    await refused(2, [...replay(plan), '--strategy', 'none'], "cannot be used with option '-s, --strategy <NAME>'");
  });

  it('a plan whose sequence was changed by hand', async () => {
    await sublinear('compile', ...deep, '--emit', 'plan', '-o', 'plans');
    const text = readFileSync(join('plans', 'step.plan.json'), 'utf8');
    writeInto(folder, 'changed.json', text.replace('"h2"', '"h1"'));
    await refused(1, ['run', ...deep, '--plan', 'changed.json'], 'h2');
    writeInto(folder, 'named.json', text.replace('"h2"', '"nobody"'));
    await refused(1, ['run', ...deep, '--plan', 'named.json'], '"nobody"');
  });
});

describe('inputs', () => {
  const deep = ['deep.onnx', '--dim', 'batch=2'];
  beforeEach(() => {
    writeModel(folder, 'deep.onnx', deepModel(2));
  });

  it('that are missing, misshapen or no tensors', async () => {
    writeInto(folder, 'file', '');
    await refused(1, ['run', ...deep, '--inputs', 'absent'], 'there is no folder absent');
    await refused(1, ['run', ...deep, '--inputs', 'file'], 'file is not a folder');
    writeTensor(folder, 'bad/input_0.pb', 'x', floats([2, 3], 1, 2, 3, 4, 5, 6));
    await refused(1, ['run', ...deep, '--inputs', 'bad', '--outputs', 'out'], 'f32[2,4]', 'f32[2,3]');
    writeInto(folder, 'junk/input_0.pb', 'garbage garbage');
    await refused(1, ['run', ...deep, '--inputs', 'junk'], 'not an ONNX TensorProto', join('junk', 'input_0.pb'));
  });

  it('with a label that is no class', async () => {
    writeModel(folder, 'labels.onnx', {
      nodes: [node('MatMul', ['x', 'w'], 'scores'), node('SoftmaxCrossEntropyLoss', ['scores', 'labels'], 'loss')],
      inputs: [input('x', [2, 4]), input('labels', [2], DataType.INT64)],
      outputs: ['loss'],
      initializers: [initializer('w', ramp(4, 3))],
    });
    writeTensor(folder, 'in/input_1.pb', 'labels', integers(1, 7));
    await refused(
      1,
      ['run', 'labels.onnx', '--inputs', 'in', '--gradients', 'out'],
      'label 7 at index 1',
      'out of range',
    );
    const drawn = await sublinear('run', 'labels.onnx');
    expect(drawn.code).toBe(0);
  });

  it('with NaN: said once, and not hidden', async () => {
    const numbers = [1, 2, Number.NaN, 4, Number.NaN, 6, 7, 8];
    writeTensor(folder, 'nan/input_0.pb', 'x', floats([2, 4], ...numbers));
    const told = await sublinear('run', ...deep, '--inputs', 'nan', '--compare', '--steps', '3', '--outputs', 'out');
    expect(told.code).toBe(0);
    expect(told.stderr.match(/NaN/g)).toHaveLength(1);
    expect(told.stderr).toContain('note: input "x" holds NaN (first at element 2)');
    expect(told.stdout).toContain('loss NaN');
    expect(filesBelow('out')).toEqual(['output_0.pb']);
    const json: unknown = JSON.parse((await sublinear('run', ...deep, '--inputs', 'nan', '--json')).stdout);
    expect(json).toMatchObject({ loss: null });
  });
});

describe('folders that cannot be written', () => {
  it('leave nothing behind, of the other outputs either', async () => {
    writeModel(folder, 'deep.onnx', deepModel(2));
    writeInto(folder, 'file', '');
    const deep = ['deep.onnx', '--dim', 'batch=2'];
    for (const place of ['file', 'file/below', '/proc/nowhere']) {
      await refused(
        1,
        ['compile', ...deep, '--emit', 'ir,plan,dot', '-o', place],
        `cannot write ${join(place, 'step.')}`,
      );
      await refused(
        1,
        ['run', ...deep, '--gradients', 'fresh/g', '--outputs', place],
        `cannot write ${join(place, 'output_0.pb')}`,
      );
    }
    mkdirSync('taken/step.plan.json', { recursive: true });
    await refused(1, ['compile', ...deep, '--emit', 'plan', '-o', 'taken'], 'cannot write taken/step.plan.json');
    await refused(1, ['run', ...deep, '--profile', 'taken/step.plan.json'], 'it is a folder');
    await refused(1, ['pareto', ...deep, '-o', 'file'], 'cannot write file: ');
  });

  it('are found before a file of the folder is touched, and before the model is read', async () => {
    mkdirSync('out/step.dot', { recursive: true });
    writeInto(folder, 'out/step.ir', 'old');
    await refused(
      1,
      ['compile', 'absent.onnx', '--emit', 'ir,dot', '-o', 'out'],
      'cannot write out/step.dot: it is a folder',
    );
    await refused(1, ['run', 'absent.onnx', '--gradients', 'out/step.ir'], 'cannot write out/step.ir: ');
    expect(readFileSync('out/step.ir', 'utf8')).toBe('old');
  });
});
