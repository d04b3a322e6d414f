/**
 * Names, strings and numbers as the text form writes them. Printer, parser and drawings share them, so that what is
 * quoted by one is read by the other.
 */

import { onOneLine } from './printable.ts';

const plainName = /^[A-Za-z_][A-Za-z0-9_.#]*$/;
const plainKey = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** JSON string on one line; what cannot be seen is escaped, lone surrogates too. */
export function quote(text: string): string {
  return onOneLine(JSON.stringify(text));
}

/** `%h1`, or `%"/m/x:0"` where the name is not plain. */
export function formatValueName(name: string): string {
  return plainName.test(name) ? `%${name}` : `%${quote(name)}`;
}

/** `@mlp`, or `@"my model"`. */
export function formatGraphName(name: string): string {
  return plainName.test(name) ? `@${name}` : `@${quote(name)}`;
}

/** Name of an attribute or op. */
export function formatKey(key: string): string {
  return plainKey.test(key) ? key : quote(key);
}

/** The shortest decimal that reads back as the same double; also `-0`, `nan`, `inf`, `-inf`. */
export function formatNumber(x: number): string {
  if (Number.isNaN(x)) return 'nan';
  if (x === Number.POSITIVE_INFINITY) return 'inf';
  if (x === Number.NEGATIVE_INFINITY) return '-inf';
  return Object.is(x, -0) ? '-0' : String(x);
}

/**
 * Text of a `//` remark: as it is where that reads back exactly, else a JSON string. A remark that begins with a quote
 * is always written as a string, so the reader can tell the two apart.
 */
export function formatRemark(text: string): string {
  const plain = text !== '' && text.trim() === text && !text.startsWith('"') && isVisible(text);
  return plain ? text : quote(text);
}

/** Whether no character but quote and backslash needs an escape. */
function isVisible(text: string): boolean {
  const bare = text.replace(/["\\]/g, '');
  return quote(bare).length === bare.length + 2;
}
