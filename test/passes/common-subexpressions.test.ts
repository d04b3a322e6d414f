import { describe, expect, it } from 'vitest';
import { mergeCommonSubexpressions } from '../../passes/common-subexpressions.ts';
import { parseGraph } from '../../src/ir/parse.ts';

/** Names of the nodes that are left. */
function merged(inputs: string, outputs: string, body: string): readonly string[] {
  const text = `sublinear-ir 1\ngraph @g(${inputs}) -> (${outputs}) {\nforward:\n${body}\n}\n`;
  return mergeCommonSubexpressions(parseGraph(text)).nodes.map(({ name }) => name);
}

const drawn = (one: string, two: string): string => `  %a = dropout %x, %rng {${one}} : f32[4]
  %b = dropout %x, %rng {${two}} : f32[4]
  %y = add %a, %b : f32[4]`;

describe('merging common subexpressions', () => {
  it('merges what computes the same, and what that makes the same', () => {
    const body = `  %a = tanh %x : f32[4]
  %b = tanh %x : f32[4]
  %c = exp %a : f32[4]
  %d = exp %b : f32[4]
  %y = add %c, %d : f32[4]`;
    expect(merged('%x: f32[4]', '%y', body)).toEqual(['a', 'c', 'y']);
  });

  it.each([
    ['the site', 'ratio=0.5, site=1', 'ratio=0.5, site=2'],
    ['the ratio', 'ratio=0.5, site=1', 'ratio=0.25, site=1'],
  ])('keeps dropouts apart that differ in %s', (_, one, two) => {
    expect(merged('%x: f32[4], %rng: i32[2]', '%y', drawn(one, two))).toEqual(['a', 'b', 'y']);
  });

  it('merges dropouts that draw the same', () => {
    const same = drawn('ratio=0.5, site=1', 'ratio=0.5, site=1');
    expect(merged('%x: f32[4], %rng: i32[2]', '%y', same)).toEqual(['a', 'y']);
  });

  it.each([
    ['attributes', '%a = scale %x {factor=2} : f32[4]', '%b = scale %x {factor=3} : f32[4]'],
    ['the order of operands', '%a = subtract %x, %z : f32[4]', '%b = subtract %z, %x : f32[4]'],
    ['a zero that is negative', '%a = add_scalar %x {value=0} : f32[4]', '%b = add_scalar %x {value=-0} : f32[4]'],
  ])('keeps apart what differs in %s', (_, one, two) => {
    const body = `  ${one}\n  ${two}\n  %y = add %a, %b : f32[4]`;
    expect(merged('%x: f32[4], %z: f32[4]', '%y', body)).toEqual(['a', 'b', 'y']);
  });

  it('keeps an output, by which its value is known', () => {
    const body = '  %a = tanh %x : f32[4]\n  %b = tanh %x : f32[4]\n  %y = add %a, %b : f32[4]';
    expect(merged('%x: f32[4]', '%b, %y', body)).toEqual(['a', 'b', 'y']);
  });
});
