import { describe, expect, it } from 'vitest';
import { identifiersFor, toIdentifier } from '../../../src/codegen/emit/identifiers.ts';

describe('toIdentifier', () => {
  it.each([
    ['w1', 'w1'],
    ['layer1.weight', 'layer1_weight'],
    ['/encoder/x:0', 'encoder_x_0'],
    ['_private', '_private'],
    ['größe', 'größe'],
    ['1st', '_1st'],
    ['', '_'],
    ['*/', '_'],
    ['class', 'class_'],
    ['await', 'await_'],
    ['constructor', 'constructor_'],
    ['__proto__', '__proto___'],
    ['it\'s "new"\n', 'it_s_new'],
    ['日本', '日本'],
    ['a\u2028b', 'a_b'],
  ])('%j becomes %s', (name, identifier) => {
    expect(toIdentifier(name)).toBe(identifier);
  });
});

describe('identifiersFor', () => {
  it('lets a name that is an identifier keep it, wherever it stands', () => {
    expect([...identifiersFor(['a.b', 'a_b', 'a-b'])]).toEqual([
      ['a.b', 'a_b_2'],
      ['a_b', 'a_b'],
      ['a-b', 'a_b_3'],
    ]);
  });

  it('avoids names that are taken', () => {
    expect(identifiersFor(['x'], new Set(['x'])).get('x')).toBe('x_2');
  });
});
