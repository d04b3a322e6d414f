/** `--trainable FILE`: a list of what is trained, in place of the rule; and the notes on what is. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { importOnnx } from '../../src/frontend/onnx/import.ts';
import { npyBytes } from '../frontend/npy-bytes.ts';
import { floats, initializer, input, node, ramp } from '../frontend/onnx-models.ts';
import { sublinear, temporaryFolder } from './harness.ts';
import { writeInto, writeModel } from './models.ts';

/** softmax(x w + mask) v + b: `mask` holds minus infinity, `twin` is `v` by another name. */
function setUp() {
  const folder = temporaryFolder();
  const mask = floats([3, 3], 0, Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, 0, -1e9, 0, 0, 0);
  const model = writeModel(folder, 'model.onnx', {
    nodes: [
      node('Identity', ['v'], 'twin'),
      node('MatMul', ['x', 'w'], 'h'),
      node('Add', ['h', 'mask'], 'masked'),
      node('Softmax', ['masked'], 'p', { axis: -1 }),
      node('MatMul', ['p', 'twin'], 'q'),
      node('Add', ['q', 'b'], 'y'),
    ],
    inputs: [input('x', [3, 4])],
    outputs: ['y'],
    initializers: [
      initializer('w', ramp(4, 3)),
      initializer('v', ramp(3, 2)),
      initializer('b', ramp(2)),
      initializer('mask', mask),
    ],
  });
  const data = writeInto(
    folder,
    'x.npy',
    npyBytes(
      '<f8',
      [3, 4],
      Float64Array.from({ length: 12 }, (_, i) => i / 12),
    ),
  );
  const trained = async (...options: string[]) => {
    const out = join(folder, 'out.onnx');
    const { code, stderr } = await sublinear(
      ...['train', model, '--loss', 'sum', '--data', data, '--steps', '2', '--save-onnx', out, '--log', 'csv'],
      ...options,
    );
    expect(stderr).not.toContain('Error');
    if (code !== 0) return { code, stderr, moved: [] };
    const [before, after] = [model, out].map((path) => importOnnx(readFileSync(path)).model.weights);
    const moved = [...before!].filter(
      ([name, { data: old }]) => !Array.from(old).every((x, i) => Object.is(x, after!.get(name)!.data[i])),
    );
    return { code, stderr, moved: moved.map(([name]) => name) };
  };
  return { folder, model, trained };
}

describe('--trainable', () => {
  it('without it the mask stays, bit for bit, and a note says so', async () => {
    const { trained } = setUp();
    const { code, stderr, moved } = await trained();
    expect(code).toBe(0);
    expect(moved).toEqual(['w', 'v', 'b']);
    expect(stderr).toContain(
      'note: "mask" holds infinite numbers or NaN, as masks do: taken for a constant, not trained',
    );
  });

  it('FILE trains exactly what it lists, one name a line', async () => {
    const { folder, trained } = setUp();
    const list = writeInto(folder, 'names.txt', '# what the framework calls parameters\n\n  b \ntwin  # tied\r\n');
    const { code, stderr, moved } = await trained('--trainable', list);
    expect(code).toBe(0);
    expect(moved).toEqual(['v', 'b']);
    expect(stderr).toContain('note: trained are "v" and "b", and nothing else');
    expect((await trained('--trainable', list, '--trainable', 'w*')).moved).toEqual(['w', 'v', 'b']);
    expect((await trained('--trainable', list, '--freeze', 'b')).moved).toEqual(['v']);
  });

  it.each(['', '.txt', '.json'])('FILE%s may be what inspect --json prints, edited or not', async (suffix) => {
    const { folder, model, trained } = setUp();
    const { stdout } = await sublinear('inspect', model, '--json');
    const list = writeInto(folder, `list${suffix}`, stdout);
    expect((await trained('--trainable', list)).moved).toEqual(['w', 'v', 'b']);
    const edited = JSON.parse(stdout);
    for (const gradient of edited.gradients) gradient.trainable = gradient.name === 'w';
    writeInto(folder, `list${suffix}`, JSON.stringify(edited));
    expect((await trained('--trainable', list)).moved).toEqual(['w']);
    writeInto(folder, `list${suffix}`, '["b"]');
    expect((await trained('--trainable', list)).moved).toEqual(['b']);
  });

  it('is what inspect shows, too', async () => {
    const { folder, model } = setUp();
    const list = writeInto(folder, 'names.txt', 'b\n');
    const { stdout } = await sublinear('inspect', model, '--trainable', list);
    expect(stdout).toMatch(/\+ b +f32\[2\] +in the list of what is trained/);
    expect(stdout).toMatch(/- w +f32\[4,3\] +not in the list of what is trained/);
    const plain = (await sublinear('inspect', model)).stdout;
    expect(plain).toMatch(/- mask +f32\[3,3\] +holds an infinite number, so trained only with --trainable/);
  });

  it.each([
    ['w\nbb\n', /the model has no parameter "bb" \(.*names\.txt:2\)/],
    ['mAsk', /"mAsk" \(.*names\.txt:1\)\n {2}hint: did you mean "mask"\?/],
    ['# nothing\n', /the list of parameters names none\n {2}from .*names\.txt/],
    ['{"gradients": [{"name": 3}]}', /an entry is neither a name nor has one/],
    ['{"weights": []}', /it has no array of names, and no "gradients"/],
    ['[1', /the list of parameters cannot be read: /],
  ])('says what is wrong with %j', async (text, message) => {
    const { folder, trained } = setUp();
    const { code, stderr } = await trained('--trainable', writeInto(folder, 'names.txt', text));
    expect(code).toBe(1);
    expect(stderr).toMatch(message);
  });

  it('a list that is not there is an error, a glob that matches nothing a note', async () => {
    const { folder, trained } = setUp();
    const absent = await trained('--trainable', join(folder, 'absent.txt'));
    expect(absent.code).toBe(1);
    expect(absent.stderr).toMatch(/cannot read the list of parameters .*absent\.txt: there is no such file/);
    expect((await trained('--trainable', 'absent')).stderr).toContain('note: --trainable absent matches no value');
  });
});
