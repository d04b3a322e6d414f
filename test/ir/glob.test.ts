import { describe, expect, it } from 'vitest';
import { globMatcher } from '../../src/ir/glob.ts';

describe('globs over names', () => {
  it.each([
    ['m.*', 'm.layer1.0.weight', true],
    ['m.*', 'n.layer1', false],
    ['*', '/m/x:0\n', true],
    ['*.bias', 'fc.bias', true],
    ['*.bias', 'fc.bias2', false],
    ['w?', 'w1', true],
    ['w?', 'w12', false],
    ['a+b(c)[d]', 'a+b(c)[d]', true],
    ['a.b', 'axb', false],
    ['', 'a', false],
  ])('%s against %j: %s', (pattern, name, matches) => {
    expect(globMatcher([pattern])(name)).toBe(matches);
  });

  it('match if one of several does, and never if there is none', () => {
    expect(globMatcher(['a', 'b'])('b')).toBe(true);
    expect(globMatcher([])('')).toBe(false);
  });
});
