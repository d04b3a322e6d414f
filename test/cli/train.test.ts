import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { createTrainLog } from '../../src/cli/train-log.ts';
import { importOnnx } from '../../src/frontend/onnx/import.ts';
import { readSafetensors, readSafetensorsMetadata } from '../../src/frontend/safetensors.ts';
import { writeTensorProto } from '../../src/frontend/tensor-proto.ts';
import { npyBytes } from '../frontend/npy-bytes.ts';
import { randomSource } from '../random-model.ts';
import { tensor } from '../tensors.ts';
import { filesBelow, sublinear, temporaryFolder } from './harness.ts';

/** A module with a small model: two classes of points in a plane. */
function modelModule(folder: string): string {
  const path = join(folder, 'model.ts');
  writeFileSync(
    path,
    `import { ModelBuilder } from ${JSON.stringify(resolve('src/index.ts'))};
const m = new ModelBuilder('points');
const logits = m.output(m.linear(m.tanh(m.linear(m.input('x', [8, 2]), 16)), 2), 'logits');
m.loss(m.crossEntropy(logits, m.input('labels', [8], 'i64')));
export const model = m.finish();
`,
  );
  return path;
}

/** Points, and whether they lie in a ring. */
function points(count: number, seed: number): { x: number[]; labels: number[] } {
  const random = randomSource(seed);
  const x: number[] = [];
  const labels: number[] = [];
  for (let i = 0; i < count; i++) {
    const [a, b] = [2 * random() - 1, 2 * random() - 1];
    x.push(a, b);
    labels.push(Math.hypot(a, b) < 0.6 ? 1 : 0);
  }
  return { x, labels };
}

function arrays(folder: string, count = 64): string {
  const { x, labels } = points(count, 1);
  writeFileSync(join(folder, 'x.npy'), npyBytes('<f8', [count, 2], Float64Array.from(x)));
  writeFileSync(join(folder, 'labels.npy'), npyBytes('<i8', [count], BigInt64Array.from(labels, BigInt)));
  return `${join(folder, 'x.npy')},${join(folder, 'labels.npy')}`;
}

function batchFolders(folder: string, count: number): string {
  const data = join(folder, 'data');
  for (let i = 0; i < count; i++) {
    const { x, labels } = points(8, i);
    mkdirSync(join(data, `batch_${i}`), { recursive: true });
    writeFileSync(join(data, `batch_${i}`, 'input_0.pb'), writeTensorProto('x', tensor('f32', [8, 2], x)));
    writeFileSync(join(data, `batch_${i}`, 'input_1.pb'), writeTensorProto('labels', tensor('i64', [8], labels)));
  }
  return data;
}

function dataModule(folder: string, body: string): string {
  const path = join(folder, 'data.ts');
  writeFileSync(path, body);
  return path;
}

/** Losses of a CSV log. */
function losses(stdout: string): number[] {
  const [header, ...lines] = stdout.trim().split('\n');
  expect(header).toBe('step,loss,evalLoss,learningRate,seconds');
  return lines.map((line) => Number(line.split(',')[1]));
}

const yields = (body: string): string =>
  `const labels = [0, 1, 0, 1, 0, 1, 0, 1];
const x = labels.flatMap((label) => [label, 1 - label]);
${body}`;

describe('sublinear train', () => {
  it('learns from .npy files, and logs a line a step when piped', async () => {
    const folder = temporaryFolder();
    const run = () =>
      sublinear(
        'train',
        modelModule(folder),
        '--data',
        arrays(folder),
        '--steps',
        '300',
        '--optimizer',
        'adam',
        '--lr',
        '0.02',
      );
    const { code, stdout } = await run();
    expect(code).toBe(0);
    const all = losses(stdout);
    expect(all).toHaveLength(300);
    const mean = (part: readonly number[]) => part.reduce((sum, loss) => sum + loss, 0) / part.length;
    expect(mean(all.slice(-8))).toBeLessThan(0.5 * mean(all.slice(0, 8)));
    // Same input and options: the same numbers, but for the seconds.
    expect(losses((await run()).stdout)).toEqual(all);
  });

  it('reads a folder of TensorProto batches in order, again and again', async () => {
    const folder = temporaryFolder();
    const args = ['--data', batchFolders(folder, 11), '--optimizer', 'sgd', '--lr', '0', '--no-shuffle'];
    const { stdout } = await sublinear('train', modelModule(folder), ...args, '--steps', '22');
    const all = losses(stdout);
    // batch_10 comes after batch_9; the rate is 0, so the second epoch repeats the first.
    expect(all.slice(11)).toEqual(all.slice(0, 11));
    expect(new Set(all).size).toBe(11);
  });

  it('takes batches from a module, with its own rates and data for evaluation', async () => {
    const folder = temporaryFolder();
    const data = dataModule(
      folder,
      yields(`export function* batches() { for (let i = 0; i < 3; i++) yield { x, labels, learningRate: i === 1 ? 0 : 0.5 }; }
export const evaluation = [{ x, labels }];`),
    );
    const { stdout } = await sublinear(
      ...['train', modelModule(folder), '--data', data, '--steps', '4', '--log', 'jsonl', '--eval-every', '2'],
    );
    const lines: { step: number; loss: number; evalLoss?: number; learningRate: number }[] = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines.map(({ step, learningRate }) => [step, learningRate])).toEqual([
      [1, 0.5],
      [2, 0],
      [3, 0.5],
      [4, 0.5],
    ]);
    expect(lines.map(({ evalLoss }) => evalLoss !== undefined)).toEqual([false, true, false, true]);
    // The second step changed nothing, so the third begins where the evaluation was.
    expect(lines[2]!.loss).toBe(lines[1]!.evalLoss);
  });

  it('goes on from a checkpoint as if it had not ended', async () => {
    const folder = temporaryFolder();
    const [model, data] = [modelModule(folder), arrays(folder)];
    const train = (...own: readonly string[]) =>
      sublinear('train', model, '--data', data, '--optimizer', 'adamw', '--seed', '3', '--accumulate', '2', ...own);
    const [whole, first, second] = ['whole', 'first', 'second'].map((name) => join(folder, `${name}.safetensors`));
    const all = losses((await train('--steps', '9', '--save', whole!)).stdout);
    const before = losses((await train('--steps', '5', '--save', first!)).stdout);
    const after = losses((await train('--steps', '9', '--resume', first!, '--save', second!)).stdout);
    expect([...before, ...after]).toEqual(all);
    expect(readFileSync(second!).equals(readFileSync(whole!))).toBe(true);
    expect(readSafetensorsMetadata(readFileSync(whole!)).get('step')).toBe('18');
    expect(readSafetensors(readFileSync(whole!)).has('linear.weight.first_moment')).toBe(true);
  });

  it('says what clipping by norm costs', async () => {
    const folder = temporaryFolder();
    const args = ['--data', arrays(folder), '--steps', '1', '--clip-norm', '1'];
    const { stderr } = await sublinear('train', modelModule(folder), ...args);
    expect(stderr).toMatch(/note: clipping by norm needs all gradients at once: an arena of .* against .* without/);
  });

  it('writes trained weights back into the ONNX file', async () => {
    const folder = temporaryFolder();
    const model = 'examples/models/vae.onnx';
    const saved = join(folder, 'trained.onnx');
    const inputs = importOnnx(readFileSync(model)).model.graph.inputs.filter(({ name }) => name !== 'rng');
    const random = randomSource(2);
    const data = join(folder, 'data');
    mkdirSync(data);
    inputs.forEach(({ name, type }, i) => {
      const count = type.shape.reduce((product, extent) => product * extent, 1);
      const numbers = Array.from({ length: count }, () => random());
      writeFileSync(join(data, `input_${i}.pb`), writeTensorProto(name, tensor('f32', type.shape, numbers)));
    });
    const { code, stderr } = await sublinear(
      ...['train', model, '--data', data, '--steps', '2', '--optimizer', 'adam', '--save-onnx', saved],
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const again = await sublinear('train', saved, '--data', data, '--steps', '1', '--optimizer', 'adam');
    const first = await sublinear('train', model, '--data', data, '--steps', '3', '--optimizer', 'adam');
    // The third step begins from the same weights, so with the same loss.
    expect(losses(again.stdout)[0]).toBe(losses(first.stdout)[2]);
  });

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('stops cleanly at %s, saves, and exits with %i', async (signal, exitCode) => {
    const folder = temporaryFolder();
    const saved = join(folder, 'state.safetensors');
    const data = dataModule(
      folder,
      yields(
        `export function batch(index) { if (index === 4) process.emit('${signal}', '${signal}'); return { x, labels }; }`,
      ),
    );
    const { code, stdout, stderr } = await sublinear(
      ...['train', modelModule(folder), '--data', data, '--steps', '100', '--save', saved],
    );
    expect(code).toBe(exitCode);
    expect(losses(stdout)).toHaveLength(5);
    expect(stderr).toBe(`stopped after step 5; --resume ${saved} goes on from there\n`);
    expect(readSafetensorsMetadata(readFileSync(saved)).get('step')).toBe('5');
    // Those that hold signals while a file is written go two turns later.
    const listeners = (): number => process.listenerCount('SIGINT') + process.listenerCount('SIGTERM');
    await vi.waitFor(() => expect(listeners()).toBe(0));
  });

  it('finds what cannot be written before it reads the model', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'file'), '');
    mkdirSync(join(folder, 'folder'));
    for (const target of [join(folder, 'folder'), join(folder, 'file/below'), '/proc/nowhere/saved', 'n'.repeat(300)])
      for (const option of ['--save', '--save-onnx']) {
        const { code, stderr } = await sublinear(
          ...['train', 'absent.onnx', '--data', 'nowhere', '--steps', '1', option, target],
        );
        expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining(`cannot write ${target}: `) });
      }
    expect(filesBelow(folder)).toEqual(['file']);
  });

  it.skipIf(!existsSync('/dev/full'))('says of a full disk what it is', async () => {
    const folder = temporaryFolder();
    const { code, stderr } = await sublinear(
      ...['train', modelModule(folder), '--data', arrays(folder), '--steps', '1', '--save', '/dev/full'],
    );
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr:
        'error: cannot write /dev/full: no space is left on the device\n  hint: free some of it, or choose another place\n',
    });
  });

  it('stops at a loss that is NaN with the step and the node, and saves nothing', async () => {
    const folder = temporaryFolder();
    const saved = join(folder, 'state.safetensors');
    const data = dataModule(
      folder,
      yields(`export function batch(index) { return { x: index === 2 ? x.map(() => Infinity) : x, labels }; }`),
    );
    const { code, stdout, stderr } = await sublinear(
      ...['train', modelModule(folder), '--data', data, '--steps', '5', '--save', saved],
    );
    expect(code).toBe(1);
    expect(losses(stdout)).toHaveLength(2);
    expect(stderr).toMatch(/the loss is NaN in step 3/);
    expect(stderr).toMatch(/first node that made NaN is matmul\n {2}at node "linear"/);
    expect(filesBelow(folder)).toEqual(['data.ts', 'model.ts']);
  });
});

describe('what sublinear train refuses', () => {
  it.each([
    ['no data', ['--data', 'nowhere'], 1, /there is no data at nowhere/],
    ['an unknown optimizer', ['--optimizer', 'adamm'], 2, /unknown optimizer "adamm"\n {2}hint: did you mean "adam"\?/],
    [
      'a hyperparameter of another',
      ['--optimizer', 'adam', '--momentum', '0.9'],
      2,
      /adam has no hyperparameter "momentum"/,
    ],
    ['a learning rate that is NaN', ['--lr', 'NaN'], 2, /argument 'NaN' is invalid/],
    ['a learning rate below 0', ['--lr=-1'], 2, /argument '-1' is invalid/],
    [
      'a checkpoint that is not there',
      ['--resume', 'gone.safetensors'],
      1,
      /cannot read the checkpoint gone.safetensors/,
    ],
    [
      'an ONNX file where there was none',
      ['--save-onnx', 'a.onnx'],
      2,
      /--save-onnx needs a model that is an ONNX file/,
    ],
    ['saving to nowhere', ['--save-every', '2'], 2, /--save-every needs a place to save to/],
    ['evaluation data for nothing', ['--eval-data', 'x'], 2, /--eval-data means nothing without --eval-every/],
  ] as const)('%s', async (_, options, code, message) => {
    const folder = temporaryFolder();
    const result = await sublinear(
      ...['train', modelModule(folder), '--steps', '1', '--data', arrays(folder), ...options],
    );
    expect({ code: result.code, stdout: result.stdout }).toEqual({ code, stdout: '' });
    expect(result.stderr).toMatch(message);
  });

  it('data that do not fit, without a change on disk', async () => {
    const folder = temporaryFolder();
    const model = modelModule(folder);
    const save = join(folder, 'state.safetensors');
    const cases: readonly [string, RegExp][] = [
      ['export const batches = [{ x: [1, 2], labels: [0] }];', /input "x" is f32\[8,2\], 16 numbers, but was given 2/],
      [yields('export const batches = [{ x }];'), /input "labels" \(i64\[8\]\) was not given/],
      [
        yields('export const batches = [{ x, labels: labels.map(() => 7) }];'),
        /label 7 at index 0 is not one of 2 classes/,
      ],
      [yields('export const batches = [{ x, labels, learningRate: NaN }];'), /the learning rate is NaN/],
      [yields('export const batches = [{ x, labels, y: x }];'), /no input "y"/],
      ['export const batches = [];', /yields no batches/],
      ['export const batches = 7;', /neither iterable nor gives an iterable/],
      ['export const batches = [7];', /gave what is no batch/],
      [yields('export const batches = [{ x, labels }].values();'), /ended after 1 batches/],
      ['export const other = 1;', /exports no batches/],
    ];
    for (const [body, message] of cases) {
      const { code, stderr } = await sublinear(
        ...['train', model, '--steps', '3', '--save', save, '--data', dataModule(temporaryFolder(), body)],
      );
      expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringMatching(message) });
    }
    const one = join(folder, 'x.npy');
    writeFileSync(one, npyBytes('<f4', [4, 2], new Float32Array(8)));
    const few = await sublinear('train', model, '--steps', '1', '--data', one);
    expect(few.stderr).toMatch(/has 4 examples, fewer than a batch of 8/);
    writeFileSync(one, npyBytes('<f4', [16, 3], new Float32Array(48)));
    const wide = await sublinear('train', model, '--steps', '1', '--data', one);
    expect(wide.stderr).toMatch(/x.npy holds f32\[16,3\], whose rows do not fit the input "x": f32\[8,2\]/);
    writeFileSync(one, 'no array');
    const damaged = await sublinear('train', model, '--steps', '1', '--data', one);
    expect(damaged.stderr).toMatch(/not a valid .npy file[\s\S]*from .*x.npy/);
    expect(filesBelow(folder)).toEqual(['model.ts', 'x.npy']);
  });
});

describe('--optimizer', () => {
  it('compiles the update into steps that are run and compared', async () => {
    const args = ['examples/models/vae.onnx', '--optimizer', 'adam', '--steps', '2', '--compare', '--json'];
    const { code, stdout } = await sublinear('run', ...args);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ bitwiseEqual: true });
    const { stderr } = await sublinear('run', 'examples/models/vae.onnx', '--momentum', '0.9');
    expect(stderr).toMatch(/--momentum means nothing without --optimizer/);
  });
});

describe('the progress line', () => {
  it('is written over on a terminal', () => {
    let text = '';
    const target = { isTTY: true, write: (part: string) => (text += part) };
    const log = createTrainLog(target, undefined, { steps: 10, first: 2, peakBytes: 2048 });
    const record = { evalLoss: undefined, learningRate: 0.1 };
    log.record({ ...record, step: 3, loss: 1.25, seconds: 0.5 });
    log.record({ ...record, step: 4, loss: 1, evalLoss: 2, seconds: 1 });
    log.record({ ...record, step: 5, loss: 1, seconds: 1.5 });
    log.end();
    expect(text.split('\r')).toEqual([
      '',
      'step 3/10  loss 1.2500  2.0 steps/s  2.00 KiB',
      'step 4/10  loss 1.0000  eval 2.0000  2.0 steps/s  2.00 KiB',
      'step 5/10  loss 1.0000  eval 2.0000  2.0 steps/s  2.00 KiB\n',
    ]);
  });

  it('gives way to lines where a format is asked for', () => {
    let text = '';
    const target = { isTTY: true, write: (part: string) => (text += part) };
    createTrainLog(target, 'csv', { steps: 1, first: 0, peakBytes: 1 }).record({
      step: 1,
      loss: 0.5,
      evalLoss: 0.25,
      learningRate: 0.1,
      seconds: 2,
    });
    expect(text).toBe('step,loss,evalLoss,learningRate,seconds\n1,0.5,0.25,0.1,2\n');
  });
});
