/**
 * Names of a model as text of a program. They may hold anything: quotes, newlines, ends of comments, and characters
 * that turn the direction of text, which could make code read as something else than it is.
 */

import { onOneLine } from '../../ir/printable.ts';

/** A string literal. */
export function quote(text: string): string {
  const mark = text.includes("'") && !text.includes('"') ? '"' : "'";
  const escaped = text.replaceAll('\\', '\\\\').replaceAll(mark, `\\${mark}`);
  return `${mark}${onOneLine(escaped)}${mark}`;
}

/** For either kind of comment: names that are not plain words are quoted. */
export function inComment(name: string): string {
  const plain = /^[\p{L}\p{N}_.$#:/-]+$/u.test(name) && !name.includes('//');
  return plain ? name : escapeComment(JSON.stringify(name));
}

/** Any text in a comment, on one line. */
export function escapeComment(text: string): string {
  return onOneLine(text).replaceAll('*/', '*\\/');
}
