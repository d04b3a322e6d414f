/**
 * TextScanner: a cursor over the text form. It knows tokens, not grammar; places become line and column only when an
 * error is made.
 */
import { bytesPerElement } from '../../runtime/memory.ts';
import type { Diagnostic } from './diagnostic.ts';
import type { DType } from './graph.ts';

/** Thrown inside the parser and caught by it: one error at one place. */
export class TextError extends Error {
  readonly offset: number;
  readonly hint: string | undefined;
  readonly code: string;
  constructor(offset: number, message: string, hint?: string, code = 'syntax') {
    super(message);
    this.offset = offset;
    this.hint = hint;
    this.code = code;
  }
}

const wordToken = /[A-Za-z_][A-Za-z0-9_]*/y;
const nameToken = /[A-Za-z_][A-Za-z0-9_.#]*/y;
const numberToken = /-?(?:inf|nan|[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)(?![A-Za-z0-9_.])/y;
const stringToken = /"[^"\\\n]*(?:\\[^\n][^"\\\n]*)*"/y;
const space = 32;
const tab = 9;
const lineFeed = 10;
const carriageReturn = 13;
const slash = 47;

export class TextScanner {
  readonly text: string;
  offset = 0;

  constructor(text: string) {
    this.text = text;
  }

  /** Skips blanks within the line. */
  skipBlanks(): void {
    let code = this.text.charCodeAt(this.offset);
    while (code === space || code === tab || code === carriageReturn) code = this.text.charCodeAt(++this.offset);
  }

  /** Skips blanks, line ends and remarks. */
  skipLines(): void {
    for (;;) {
      this.skipBlanks();
      if (this.atRemark()) this.skipLine();
      else if (this.text.charCodeAt(this.offset) === lineFeed) this.offset++;
      else return;
    }
  }

  /** Moves to the end of the line (onto its line feed, or the end of the text). */
  skipLine(): void {
    const end = this.text.indexOf('\n', this.offset);
    this.offset = end < 0 ? this.text.length : end;
  }

  atEnd(): boolean {
    return this.offset >= this.text.length;
  }

  atLineEnd(): boolean {
    return this.atEnd() || this.text.charCodeAt(this.offset) === lineFeed;
  }

  atRemark(): boolean {
    return this.text.charCodeAt(this.offset) === slash && this.text.charCodeAt(this.offset + 1) === slash;
  }

  /** Whether `token` stands here; moves past it if so. */
  accept(token: string): boolean {
    if (!this.text.startsWith(token, this.offset)) return false;
    this.offset += token.length;
    return true;
  }

  expect(token: string, context: string): void {
    if (!this.accept(token)) this.fail(`expected ${JSON.stringify(token)} ${context}`);
  }

  /** An unquoted word, if one stands here. */
  acceptWord(): string | undefined {
    return this.match(wordToken);
  }

  /** `%name`, `%"any name"` (or with `@`). */
  name(sigil: '%' | '@', what: string): string {
    const start = this.offset;
    if (!this.accept(sigil)) this.fail(`expected ${what}, such as ${sigil}h1 or ${sigil}"any name"`);
    const plain = this.match(nameToken);
    if (plain !== undefined) return plain;
    if (this.text[this.offset] !== '"')
      throw new TextError(start, `expected ${what}`, 'names of other characters are quoted as in JSON: %"/m/x:0"');
    return this.string(what);
  }

  /** A JSON string. */
  string(what: string): string {
    const start = this.offset;
    if (this.text[start] !== '"') this.fail(`expected ${what} in double quotes`);
    const token = this.match(stringToken);
    if (token === undefined) throw new TextError(start, 'the string is not closed on this line');
    const value = parseJsonString(token);
    if (value === undefined) throw new TextError(start, 'not a JSON string: an escape or a control character is wrong');
    return value;
  }

  /** A number, if one stands here. */
  acceptNumber(): number | undefined {
    const start = this.offset;
    const token = this.match(numberToken);
    if (token === undefined) return undefined;
    if (token.endsWith('inf')) return token === 'inf' ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY;
    if (token === 'nan') return Number.NaN;
    const value = Number(token);
    if (!Number.isFinite(value))
      throw new TextError(start, `${token} is not a double`, 'infinity is written inf or -inf');
    return value;
  }

  dtype(): DType {
    const start = this.offset;
    const word = this.acceptWord();
    if (word !== undefined && isDType(word)) return word;
    throw new TextError(
      start,
      `expected a type, such as f32[2,3]`,
      `element types: ${Object.keys(bytesPerElement).join(', ')}`,
    );
  }

  fail(message: string): never {
    throw new TextError(this.offset, `${message}, found ${this.describe()}`);
  }

  private match(token: RegExp): string | undefined {
    token.lastIndex = this.offset;
    const found = token.exec(this.text)?.[0];
    if (found !== undefined) this.offset += found.length;
    return found;
  }

  /** What stands here, for messages. */
  private describe(): string {
    if (this.atEnd()) return 'the end of the text';
    if (this.atLineEnd()) return 'the end of the line';
    const word = /\S{1,24}/y;
    word.lastIndex = this.offset;
    return JSON.stringify(word.exec(this.text)?.[0] ?? this.text[this.offset]);
  }
}

export function isDType(text: string): text is DType {
  return Object.hasOwn(bytesPerElement, text);
}

/** The string a JSON literal denotes; undefined where it is none. */
export function parseJsonString(token: string): string | undefined {
  try {
    const value: unknown = JSON.parse(token);
    return typeof value === 'string' ? value : undefined;
  } catch {
    return undefined;
  }
}

/** The error with its place, and the line with a caret under the place. */
export function textDiagnostic(text: string, fileName: string, error: TextError): Diagnostic {
  const offset = Math.min(error.offset, text.length);
  const lineStart = offset === 0 ? 0 : text.lastIndexOf('\n', offset - 1) + 1;
  let lineEnd = text.indexOf('\n', offset);
  if (lineEnd < 0) lineEnd = text.length;
  let line = 1;
  for (let at = text.indexOf('\n'); at >= 0 && at < offset; at = text.indexOf('\n', at + 1)) line++;
  const column = offset - lineStart + 1;
  // A window of the line: nodes with many operands have very long ones.
  const from = Math.max(lineStart, offset - 60);
  const to = Math.min(lineEnd, from + 110);
  const excerpt = text.slice(from, to).replace(/\p{Cc}/gu, ' ');
  const lead = from > lineStart ? '...' : '';
  const gutter = `  ${line} | `;
  const caret = `${' '.repeat(gutter.length - 2)}| ${' '.repeat(lead.length + offset - from)}^`;
  return {
    code: error.code,
    message: `${fileName}:${line}:${column}: ${error.message}\n${gutter}${lead}${excerpt}${to < lineEnd ? '...' : ''}\n${caret}`,
    ...(error.hint !== undefined && { hint: error.hint }),
  };
}
