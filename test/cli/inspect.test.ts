/** `sublinear inspect`: what is in a model, in plain words and exact bytes. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { initializer, input, node, ramp } from '../frontend/onnx-models.ts';
import { sublinear, temporaryFolder } from './harness.ts';
import { writeModel } from './models.ts';

/** Two dense layers with 16 and 32 outputs, batch 1. */
function denseLayers(kind: 'Gemm' | 'MatMul'): string {
  const layer = (x: string, i: number, y: string) =>
    kind === 'Gemm'
      ? [node('Gemm', [x, `w${i}`, `b${i}`], y)]
      : [node('MatMul', [x, `w${i}`], `${y}.product`), node('Add', [`${y}.product`, `b${i}`], y)];
  return writeModel(temporaryFolder(), 'dense.onnx', {
    nodes: [...layer('x', 1, 'h'), ...layer('h', 2, 'y')],
    inputs: [input('x', [1, 8])],
    outputs: ['y'],
    initializers: [
      ...[initializer('w1', ramp(8, 16)), initializer('b1', ramp(16))],
      ...[initializer('w2', ramp(16, 32)), initializer('b2', ramp(32))],
    ],
  });
}

describe('inspect', () => {
  it.each(['Gemm', 'MatMul'] as const)(
    'two dense layers (%s) of 16 and 32 floats: 64 + 128 = 192 bytes',
    async (kind) => {
      const model = denseLayers(kind);
      const { code, stdout } = await sublinear('inspect', model);
      expect(code).toBe(0);
      expect(stdout).toContain('activations 192 bytes (results of forward nodes)');
      // Only the weights' gradients read an activation: that of the second layer reads what the first made.
      expect(stdout).toContain('kept        64 bytes are read by backward');
      expect(stdout).toContain('under --loss sum:y');
      const json = JSON.parse((await sublinear('inspect', model, '--json')).stdout);
      expect(json).toMatchObject({ activationBytes: 192, keptBytes: 64, loss: null, assumedLoss: 'sum:y' });
      expect(json.resident).toEqual({ inputs: 64, parameters: 512 + 64 + 2048 + 128, state: 0, constants: 0 });
    },
  );

  it('shows the loss that is asked for, and what it keeps more', async () => {
    const json = JSON.parse((await sublinear('inspect', denseLayers('Gemm'), '--loss', 'mse', '--json')).stdout);
    expect(json).toMatchObject({ activationBytes: 192, loss: 'loss' });
    // The gradient of a square reads the difference: 32 floats more.
    expect(json.keptBytes).toBe(64 + 128);
    expect(json).not.toHaveProperty('noLoss');
  });

  it('lists every gradient with the reason', async () => {
    const { stdout } = await sublinear('inspect', 'examples/models/vae.onnx', '--freeze', '*bias');
    expect(stdout).toMatch(/^ {4}\+ \S+weight +f32\[.*\] +reaches the loss$/m);
    expect(stdout).toMatch(/^ {4}- \S+bias +f32\[.*\] +frozen by --freeze$/m);
    expect(stdout).toMatch(/^ {4}- \S+ +f32\[.*\] +an input; ask with --wrt inputs$/m);
  });

  it('takes the losses of a module, and a graph that is differentiated already', async () => {
    const module = await sublinear('inspect', 'examples/unet.ts');
    expect(module.stdout).toMatch(/^ {2}loss +cross_entropy$/m);
    const out = temporaryFolder();
    await sublinear('compile', 'examples/mlp.ts', '--emit', 'ir', '-o', out);
    const { code, stdout } = await sublinear('inspect', join(out, 'step.ir'));
    expect(code).toBe(0);
    expect(stdout).toContain('differentiated already');
  });

  it('prints one JSON document and nothing else', async () => {
    const { stdout, stderr } = await sublinear('inspect', 'examples/models/resnet18.onnx', '--json');
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toMatchObject({ model: 'examples/models/resnet18.onnx', loss: 'loss' });
  });
});
