import { describe, expect, it } from 'vitest';
import { escapeComment, inComment, quote } from '../../../src/codegen/emit/quote.ts';

const nasty = [
  '$' + '{x}',
  'a',
  "it's",
  '"q"',
  '\'"',
  'a\nb',
  'back\\slash',
  '*/',
  '\u2028',
  '\u202e',
  '\ud800',
  '😀',
  '',
];

describe('quote', () => {
  it.each(nasty)('%j reads back as itself', (name) => {
    expect(new Function(`return ${quote(name)}`)()).toBe(name);
  });

  it('shows no character that turns the direction of text', () => {
    expect(quote('a\u202eb')).toBe("'a\\u202eb'");
  });
});

describe('inComment', () => {
  it.each(nasty)('%j neither ends the comment nor the line', (name) => {
    expect(inComment(name)).not.toMatch(/\*\/|[\n\r\u2028\u2029\u202e]/);
  });

  it('leaves plain names plain', () => {
    expect(inComment('layer1.weight')).toBe('layer1.weight');
    expect(inComment('/m/x:0')).toBe('/m/x:0');
    expect(inComment('two words')).toBe('"two words"');
  });

  it('escapes ends of comments in any text', () => {
    expect(escapeComment('a */ b')).toBe('a *\\/ b');
  });
});
