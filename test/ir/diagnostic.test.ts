import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { formatDiagnostic, nearestName, SublinearError } from '../../src/ir/diagnostic.ts';

describe('a diagnostic', () => {
  it.each([{ message: '' }, { message: ' ' }, { message: 'something', hint: '' }, { message: 'something', hint: ' ' }])(
    '%j says nothing, and cannot be made',
    (parts) => {
      expect(() => formatDiagnostic({ code: 'empty', ...parts })).toThrow(RangeError);
      expect(() => new SublinearError({ code: 'empty', ...parts })).toThrow(RangeError);
    },
  );

  it('is never written with an empty hint', () => {
    const root = resolve(import.meta.dirname, '../..');
    const sources = ['src', 'passes', 'runtime'].flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
        .filter((path) => path.endsWith('.ts'))
        .map((path) => join(root, folder, path)),
    );
    expect(sources.length).toBeGreaterThan(100);
    const empty = sources.filter((path) =>
      /hint:\s*(?:[^,;{}`]*[?:]\s*)?(''|""|``)\s*[,}]/.test(readFileSync(path, 'utf8')),
    );
    expect(empty).toEqual([]);
  });
});

describe('the nearest name', () => {
  it.each([
    ['mes', 'mse'],
    ['msee', 'mse'],
    ['MSE', 'mse'],
    ['wieght', 'weight'],
    ['h1', 'h2'],
    ['conv1.wieght', 'conv1.weight'],
    ['memroy', 'memory'],
    ['recursvie', 'recursive'],
  ])('of %s is %s', (name, nearest) => {
    expect(nearestName(name, ['bias', 'mse', 'weight', 'h2', 'conv1.weight', 'memory', 'recursive'])).toBe(nearest);
  });

  it.each([
    ['bce', 'mse'],
    ['x', 'y'],
    ['', 'y'],
    ['ab', 'cd'],
    ['loss', 'labels'],
    ['sum', 'mse'],
    ['tanh', 'relu'],
    ['adam', 'sgd'],
  ])('of %s is not %s', (name, other) => {
    expect(nearestName(name, [other])).toBeUndefined();
  });
});
