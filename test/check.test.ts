/** `sublinear check`: the operator tests of the ONNX project, and that a wrong result does not get past it. */
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { toBinary } from '@bufbuild/protobuf';
import { TensorProtoSchema } from 'onnx-buf';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { type CheckReport, checkModels } from '../src/cli/check-models.ts';
import { runCommandLine } from '../src/cli/program.ts';
import { readTensorProto, tensorProtoOf } from '../src/frontend/tensor-proto.ts';
import type { Tensor } from '../src/ir/graph.ts';
import { floats, input, modelBytes, node, ramp } from './frontend/onnx-models.ts';
import { sharedData } from './shared-data.ts';

const data = sharedData('onnx-backend');
const temporary: string[] = [];

afterEach(() => {
  vi.restoreAllMocks();
  for (const folder of temporary.splice(0)) rmSync(folder, { recursive: true });
});

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'check-'));
  temporary.push(folder);
  return folder;
}

function writeTensor(path: string, name: string, tensor: Tensor): void {
  writeFileSync(path, toBinary(TensorProtoSchema, tensorProtoOf(name, tensor)));
}

interface Square {
  readonly opType?: string;
  /** y = x * x of [1, 2, 3]; what is stored of it. */
  readonly y?: readonly number[];
  /** The gradient of <y, [1, 10, 100]>; what is stored of it. */
  readonly d_x?: readonly number[];
}

/** A test folder of one node. */
function writeSquare(folder: string, { opType = 'Mul', y = [1, 4, 9], d_x = [2, 40, 600] }: Square = {}): void {
  const set = join(folder, 'test_data_set_0');
  mkdirSync(set, { recursive: true });
  const model = modelBytes({ nodes: [node(opType, ['x', 'x'], 'y')], inputs: [input('x', [3])], outputs: ['y'] });
  writeFileSync(join(folder, 'model.onnx'), model);
  writeTensor(join(set, 'input_0.pb'), 'x', floats([3], 1, 2, 3));
  writeTensor(join(set, 'output_0.pb'), 'y', floats([y.length], ...y));
  writeTensor(join(set, 'cotangent_0.pb'), 'y', floats([3], 1, 10, 100));
  writeTensor(join(set, 'grad_0.pb'), 'x', floats([3], ...d_x));
}

function check(...squares: readonly Square[]): CheckReport {
  const folder = temporaryFolder();
  squares.forEach((square, i) => {
    writeSquare(join(folder, `suite/square_${i}`), square);
  });
  return checkModels(folder);
}

const counts = z.strictObject({
  passed: z.number().int(),
  failed: z.number().int(),
  unsupported: z.number().int(),
});
/** What `sublinear check --json` promises to print. */
const reportSchema = z.strictObject({
  forward: counts,
  gradient: counts,
  failures: z.array(
    z.strictObject({ test: z.string(), stage: z.enum(['forward', 'gradient']), message: z.string().min(1) }),
  ),
});

/** What the command prints to standard output, and its exit code. */
async function commandLine(...argv: readonly string[]): Promise<{ code: number; out: string; error: string }> {
  const written = { out: '', error: '' };
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    written.out += String(text);
    return true;
  });
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    written.error += String(text);
    return true;
  });
  const code = await runCommandLine(argv);
  vi.restoreAllMocks();
  return { code, ...written };
}

describe.skipIf(data === undefined)('the operator tests of the ONNX project', () => {
  it('pass, forward and backward, but for those listed with their reasons', () => {
    const report = checkModels(data!);
    const { forward, gradient, failures } = report;
    expect(failures).toEqual([]);
    expect({ forward, gradient }).toEqual({
      forward: { passed: 813, failed: 0, unsupported: 0 },
      gradient: { passed: 662, failed: 0, unsupported: 0 },
    });
  });

  it.each(['memory', 'speed'])('pass under the strategy %s', (strategy) => {
    const { gradient, failures } = checkModels(`${data}/pytorch-converted`, { strategy });
    expect(failures).toEqual([]);
    expect(gradient.passed).toBeGreaterThan(20);
  });

  it('of the Gradient operator pass, their gradients among the outputs', () => {
    const suite = `${data}/preview-training`;
    const folders = readdirSync(suite).filter((name) => name.includes('gradient'));
    expect(folders).toEqual(['test_gradient_of_add', 'test_gradient_of_add_and_mul']);
    for (const folder of folders) {
      const copy = temporaryFolder();
      cpSync(`${suite}/${folder}`, copy, { recursive: true });
      expect(checkModels(copy)).toMatchObject({ forward: { passed: 1 }, failures: [] });
      const path = join(copy, 'test_data_set_0/output_1.pb');
      const { name, tensor } = readTensorProto(readFileSync(path));
      rmSync(path);
      writeTensor(path, name, { ...tensor, data: Float32Array.from(tensor.data, (x) => x + 1) });
      expect(checkModels(copy).failures).toMatchObject([
        { test: basename(copy), stage: 'forward', message: expect.stringMatching(/^output 1 /), unsupported: false },
      ]);
    }
  });
});

describe('checkModels', () => {
  it('passes what is right', () => {
    expect(check({})).toEqual({
      forward: { passed: 1, failed: 0, unsupported: 0 },
      gradient: { passed: 1, failed: 0, unsupported: 0 },
      failures: [],
    });
  });

  it('catches a wrong output, by its test, place and numbers', () => {
    const report = check({}, { y: [1, 4.01, 9] }, { y: [1, 4, 9, 16] });
    expect(report.forward).toEqual({ passed: 1, failed: 2, unsupported: 0 });
    expect(report.gradient.passed).toBe(3);
    expect(report.failures.map(({ test, message }) => [test, message])).toEqual([
      ['suite/square_1', `output 0 (y): element 1 is 4, expected ${Math.fround(4.01)}`],
      ['suite/square_2', 'output 0 (y): is f32[3], expected f32[4]'],
    ]);
    expect(report.failures.every(({ stage, unsupported }) => stage === 'forward' && !unsupported)).toBe(true);
  });

  it('catches a NaN where a number is stored, and the other way round', () => {
    expect(check({ y: [1, Number.NaN, 9] }).failures[0]!.message).toBe('output 0 (y): element 1 is 4, expected NaN');
    expect(check({ d_x: [2, Number.NaN, 600] }).failures[0]!.message).toContain('off by NaN');
  });

  it('catches a wrong gradient', () => {
    const report = check({ d_x: [2, 40, 600.2] }, { d_x: [2, 40, 600.02] });
    expect(report.gradient).toEqual({ passed: 1, failed: 1, unsupported: 0 });
    expect(report.failures).toEqual([
      {
        test: 'suite/square_0',
        stage: 'gradient',
        message: 'the gradient of x is off by 3.33e-4 (tolerance 1.00e-4)',
        unsupported: false,
      },
    ]);
  });

  it('allows a gradient what float32 itself loses, where an index says so', () => {
    const folder = temporaryFolder();
    writeSquare(join(folder, 'square'), { d_x: [2, 40, 600.2] });
    for (const [error, passed] of [
      [1e-5, 0],
      [1e-4, 1],
    ] as const) {
      writeFileSync(join(folder, 'index.json'), JSON.stringify([{ test: 'suite/square', f32_relmax: error }]));
      expect(checkModels(folder).gradient.passed).toBe(passed);
    }
    writeFileSync(join(folder, 'index.json'), 'not JSON');
    expect(checkModels(folder).gradient.passed).toBe(0);
  });

  it('takes the gradients of a model with a loss of its own, where no cotangents are stored', () => {
    const folder = temporaryFolder();
    const set = join(folder, 'test_data_set_0');
    mkdirSync(set);
    const nodes = [node('Mul', ['x', 'x'], 'y'), node('ReduceSum', ['y'], 'loss', { keepdims: 0 })];
    writeFileSync(join(folder, 'model.onnx'), modelBytes({ nodes, inputs: [input('x', [3])], outputs: ['loss'] }));
    writeTensor(join(set, 'input_0.pb'), 'x', floats([3], 1, 2, 3));
    writeTensor(join(set, 'output_0.pb'), 'loss', floats([], 14));
    writeTensor(join(set, 'grad_x.pb'), 'x', floats([3], 2, 4, 6));
    expect(checkModels(folder)).toMatchObject({ gradient: { passed: 1 }, failures: [] });
    writeTensor(join(set, 'grad_x.pb'), 'x', floats([3], 2, 4, 7));
    expect(checkModels(folder)).toMatchObject({ gradient: { failed: 1 } });
    writeTensor(join(set, 'grad_x.pb'), 'x', floats([3], 2, 4, 6));
    writeTensor(join(set, 'grad_z.pb'), 'z', floats([3], 2, 4, 6));
    expect(checkModels(folder).failures[0]!.message).toBe('there is no gradient of z');
  });

  it('tells what is not supported from what is wrong', () => {
    const report = check({ opType: 'Mull' }, {});
    expect(report.forward).toEqual({ passed: 1, failed: 0, unsupported: 1 });
    expect(report.gradient).toEqual({ passed: 1, failed: 0, unsupported: 1 });
    expect(report.failures.map(({ test, stage, unsupported }) => ({ test, stage, unsupported }))).toEqual([
      { test: 'suite/square_0', stage: 'forward', unsupported: true },
      { test: 'suite/square_0', stage: 'gradient', unsupported: true },
    ]);
    expect(report.failures[0]!.message).toContain('operator Mull is not supported');
  });

  it('calls damaged files, missing outputs and outputs the model has not, failures, and goes on', () => {
    const folder = temporaryFolder();
    const square = (name: string): string => {
      writeSquare(join(folder, name));
      return join(folder, name);
    };
    writeFileSync(join(square('a'), 'model.onnx'), 'nonsense');
    writeFileSync(join(square('b'), 'test_data_set_0/input_0.pb'), 'nonsense');
    rmSync(join(square('c'), 'test_data_set_0/output_0.pb'));
    writeTensor(join(square('d'), 'test_data_set_0/output_1.pb'), 'z', ramp(3));
    rmSync(join(square('e'), 'test_data_set_0/input_0.pb'));
    square('f');
    const { forward, failures } = checkModels(folder);
    expect(forward).toEqual({ passed: 1, failed: 5, unsupported: 0 });
    const messages = new Map(
      failures.filter(({ stage }) => stage === 'forward').map(({ test, message }) => [test, message.split('\n')[0]]),
    );
    expect([...messages.keys()]).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect(messages.get('a')).toContain('not an ONNX model');
    expect(messages.get('c')).toBe('there is no output_0.pb to hold the outputs against');
    expect(messages.get('d')).toBe('there is an output_1.pb, but the model has 1 outputs');
    expect(messages.get('e')).toBe('input "x" (f32[3]) was not given');
  });

  it('runs every set of data, and names the set', () => {
    const folder = temporaryFolder();
    writeSquare(folder);
    cpSync(join(folder, 'test_data_set_0'), join(folder, 'test_data_set_1'), { recursive: true });
    writeTensor(join(folder, 'test_data_set_1/output_0.pb'), 'y', floats([3], 1, 4, 8));
    const { forward, failures } = checkModels(folder);
    expect(forward).toEqual({ passed: 1, failed: 1, unsupported: 0 });
    expect(failures[0]!.test).toBe(`${basename(folder)}/test_data_set_1`);
  });
});

describe('sublinear check', () => {
  it('prints one JSON document, and exits with 1 where a result is wrong', async () => {
    const folder = temporaryFolder();
    writeSquare(join(folder, 'right'));
    writeSquare(join(folder, 'unknown'), { opType: 'Mull' });
    const right = await commandLine('check', folder, '--json');
    expect(right.code).toBe(0);
    expect(reportSchema.parse(JSON.parse(right.out))).toMatchObject({
      forward: { passed: 1, failed: 0, unsupported: 1 },
      gradient: { passed: 1, failed: 0, unsupported: 1 },
      failures: [
        { test: 'unknown', stage: 'forward' },
        { test: 'unknown', stage: 'gradient' },
      ],
    });
    writeSquare(join(folder, 'wrong'), { y: [0, 0, 0] });
    const wrong = await commandLine('check', folder, '--json');
    expect(wrong.code).toBe(1);
    expect(wrong.error).toBe('error: 1 of 6 checks failed\n');
    expect(reportSchema.parse(JSON.parse(wrong.out)).failures.map(({ test }) => test)).toContain('wrong');
  });

  it('prints a line for each miss and the counts', async () => {
    const folder = temporaryFolder();
    writeSquare(join(folder, 'wrong'), { y: [1, 4, 8] });
    expect((await commandLine('check', folder, '--strategy', 'memory')).out).toBe(
      [
        'FAILED wrong (forward): output 0 (y): element 2 is 9, expected 8',
        'forward:  0 passed, 1 failed, 0 unsupported',
        'gradient: 1 passed, 0 failed, 0 unsupported',
        '',
      ].join('\n'),
    );
  });

  it('refuses folders without tests, paths that are no folders, and unknown strategies', async () => {
    const folder = temporaryFolder();
    expect(await commandLine('check', folder)).toMatchObject({
      code: 1,
      error: expect.stringContaining('no test folder'),
    });
    expect(await commandLine('check', join(folder, 'none'))).toMatchObject({
      code: 1,
      error: expect.stringContaining('cannot read the folder'),
    });
    expect(await commandLine('check', folder, '--strategy', 'memroy')).toMatchObject({
      code: 2,
      error: expect.stringContaining('memory'),
    });
  });
});
