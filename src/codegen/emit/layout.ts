/** How emitted code is laid out: as this repository's formatter would, lines of up to 120 columns. */

export const lineWidth = 120;

/** `open items close` on one line where that fits; else an item a line, with trailing commas. */
export function layOut(indent: string, open: string, items: readonly string[], close: string): string {
  const line = `${indent}${open}${items.join(', ')}${close}`;
  if (line.length <= lineWidth || items.length === 0) return line;
  // Braces of imports are spaced, on one line only.
  return `${indent}${open.trimEnd()}\n${items.map((item) => `${indent}  ${item},\n`).join('')}${indent}${close.trimStart()}`;
}

/** As `layOut`, for numbers: as many a line as fit. */
export function layOutNumbers(indent: string, open: string, numbers: readonly string[], close: string): string {
  const line = `${indent}${open}${numbers.join(', ')}${close}`;
  if (line.length <= lineWidth || numbers.length === 0) return line;
  const lines: string[] = [];
  let current = `${indent} `;
  for (const number of numbers) {
    if (current.length + 2 + number.length > lineWidth) {
      lines.push(current);
      current = `${indent} `;
    }
    current += ` ${number},`;
  }
  return [`${indent}${open}`, ...lines, current, `${indent}${close}`].join('\n');
}

/** Joins a function's parameters into one line where, without `export`, they fit again. */
export function joinSignature(text: string): string {
  const match = /^function [^\n]*\(\n([\s\S]*?),?\n\)([^\n]*)/.exec(text);
  if (match === null || match[1]!.includes('//') || match[1]!.includes('/*')) return text;
  const [whole, parameters, rest] = match;
  const joined = `${whole.slice(0, whole.indexOf('\n'))}${parameters!.replace(/\n\s*/g, ' ').trim()})${rest}`;
  return joined.length <= lineWidth ? joined + text.slice(whole.length) : text;
}

/** 12,345,678 */
export function groupDigits(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** Words of `text` in lines of at most `width` columns; a longer word has its own line. */
export function wrapWords(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  let current = '';
  for (const word of text.split(' ')) {
    if (current !== '' && current.length + 1 + word.length > width) {
      lines.push(current);
      current = word;
    } else current = current === '' ? word : `${current} ${word}`;
  }
  lines.push(current);
  return lines;
}
