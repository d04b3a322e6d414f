/** Kernels whose time is the time of their reads and writes, on 6 M floats. */
import type { KernelArgument } from '../../runtime/program.ts';
import { place } from './kernel-memory.ts';

export interface StreamRow {
  readonly label: string;
  readonly kernel: string;
  readonly args: readonly KernelArgument[];
  /** Tensors of 6 M floats that are read and written, parts of one too. */
  readonly tensors: number;
}

export const streamFloats = 6000000;

export function streamRows(): readonly StreamRow[] {
  const n = streamFloats;
  const [x, y, z, c] = place(n, n, n, 4096) as [number, number, number, number];
  const channels = [8, 60, 12500];
  const statistics = [z, z + 256, y, z + 512, z + 768];
  const pool = [480, 1, 112, 112, 1, 3, 3, 1, 56, 56, 1, 2, 2, 0, 1, 1, 1, 1, 1, 0, 1, 1];
  const rows: readonly (readonly [string, string, readonly KernelArgument[], number])[] = [
    ['add', 'add', [x, y, z, [n], [1], [1]], 3],
    ['add a row', 'add', [x, y, z, [6000, 1000], [1000, 1], [0, 1]], 2],
    ['multiply by a column', 'multiply', [x, y, z, [6000, 1000], [1000, 1], [1, 0]], 2],
    ['relu', 'relu', [x, y, n], 2],
    ['relu, in place', 'relu', [x, x, n], 2],
    ['relu gradient', 'reluGrad', [x, y, z, n], 3],
    ['batch norm, given statistics', 'batchNormInference', [x, c, c, c, c, y, ...channels, 2], 2],
    ['batch norm', 'batchNorm', [x, c, c, y, z, z + 256, ...channels, 1e-5], 4],
    ['batch norm gradient', 'batchNormGrad', [y, x, c, ...statistics, ...channels], 5],
    ['layer norm, rows of 1000', 'layerNorm', [x, c, c, y, z, z + 32768, 6000, 1000, 1e-5], 4],
    ['softmax, rows of 1000', 'softmax', [x, y, 6000, 1000, 1], 4],
    ['exp', 'exp', [x, y, n], 2],
    ['tanh', 'tanh', [x, y, n], 2],
    ['gelu', 'geluErf', [x, y, n], 2],
    ['gelu gradient', 'geluErfGrad', [x, y, z, n], 3],
    ['sum', 'reduceSum', [x, z, [1], [0], [n], [1], 1], 1],
    ['column sums', 'reduceSum', [x, z, [1000], [1], [6000], [1000], 1], 1],
    ['transpose 2400x2500', 'copyStrided', [x, y, [2500, 2400], [1, 2500]], 2],
    ['dropout', 'dropout', [x, z, y, n, 1, 0.1], 2],
    ['max pool 3x3/2', 'maxPool', [x, y, pool], 1.25],
    ['max pool 3x3/2 gradient', 'maxPoolGrad', [y, x, z, pool], 2.25],
  ];
  return rows.map(([label, kernel, args, tensors]) => ({ label, kernel, args, tensors }));
}
