/**
 * Reads the text form (grammar: print.ts) back into a graph: `parseGraph(printGraph(g))` equals `g`.
 *
 * The parser checks form only, and that every value read is defined somewhere; what a graph must satisfy beyond that is
 * the verifier's. A node may therefore stand before the nodes it reads: order is execution order, and the verifier names
 * the fault. Errors within a line do not stop the reading; those of up to `maximumErrors` lines are thrown together.
 */
import { requireText } from './arguments.ts';
import { type Diagnostic, nearestName, SublinearError } from './diagnostic.ts';
import type { Attributes, AttributeValue, Graph, Node, Output, Region, TensorType, Value } from './graph.ts';
import { textVersion } from './print.ts';
import { parseJsonString, TextError, TextScanner, textDiagnostic } from './text-scanner.ts';

const maximumErrors = 20;

/** A name that is read, and where. */
interface Reference {
  readonly name: string;
  readonly offset: number;
}

interface NodeLine {
  readonly node: Omit<Node, 'operands'>;
  readonly operands: readonly Reference[];
}

interface Header {
  readonly name: string;
  readonly inputs: readonly Value[];
  readonly parameters: readonly Value[];
  readonly state: readonly Value[];
  readonly constants: readonly Value[];
  readonly outputs: readonly Output[];
  readonly references: readonly Reference[];
}

/** Throws `SublinearError` with file, line and column. O(length of the text). */
export function parseGraph(text: string, fileName = 'graph.ir'): Graph {
  requireText('parseGraph', text);
  requireText('fileName of parseGraph', fileName);
  const scanner = new TextScanner(text);
  const diagnostics: Diagnostic[] = [];
  const report = (error: unknown): void => {
    if (!(error instanceof TextError)) throw error;
    if (diagnostics.length < maximumErrors) diagnostics.push(textDiagnostic(text, fileName, error));
  };
  let header: Header | undefined;
  const lines: NodeLine[] = [];
  try {
    header = parseHeader(scanner);
    parseBody(scanner, lines, report);
  } catch (error) {
    report(error);
  }
  if (header === undefined) throw new SublinearError(diagnostics);
  const graph = link(header, lines, diagnostics.length === 0 ? report : undefined);
  if (diagnostics.length > 0) throw new SublinearError(diagnostics);
  return graph;
}

function parseHeader(scanner: TextScanner): Header {
  scanner.accept('\ufeff');
  scanner.skipLines();
  scanner.expect('sublinear-ir', 'at the start');
  scanner.skipBlanks();
  const versionOffset = scanner.offset;
  const version = scanner.acceptNumber();
  if (version !== textVersion)
    throw new TextError(
      versionOffset,
      `this reader knows version ${textVersion} of sublinear-ir${version === undefined ? '' : `, not ${version}`}`,
    );
  scanner.skipLines();
  scanner.expect('graph', 'after the version');
  scanner.skipLines();
  const name = scanner.name('@', "the graph's name");
  scanner.skipLines();
  const inputs = parseList(scanner, parseTyped);
  const parameters = parseSection(scanner, 'params');
  const state = parseSection(scanner, 'state');
  const constants = parseSection(scanner, 'consts');
  scanner.skipLines();
  scanner.expect('->', 'and the outputs (sections stand in the order params, state, consts)');
  scanner.skipLines();
  const references: Reference[] = [];
  const outputs = parseList(scanner, () => parseOutput(scanner, references));
  scanner.skipLines();
  scanner.expect('{', 'before the nodes');
  return { name, inputs, parameters, state, constants, outputs, references };
}

function parseSection(scanner: TextScanner, keyword: string): readonly Value[] {
  scanner.skipLines();
  if (!scanner.accept(keyword)) return [];
  scanner.skipLines();
  return parseList(scanner, parseTyped);
}

/** `( entry, entry )`, with a comma at the end if it likes; in the header over several lines. */
function parseList<T>(scanner: TextScanner, entry: (scanner: TextScanner) => T, inHeader = true): T[] {
  const skip = (): void => {
    if (inHeader) scanner.skipLines();
    else scanner.skipBlanks();
  };
  const entries: T[] = [];
  scanner.expect('(', 'before a list');
  for (;;) {
    skip();
    if (scanner.accept(')')) return entries;
    entries.push(entry(scanner));
    skip();
    if (scanner.accept(')')) return entries;
    scanner.expect(',', 'or ")" after an entry of the list');
  }
}

function parseTyped(scanner: TextScanner): Value {
  const name = scanner.name('%', 'a value');
  scanner.skipBlanks();
  scanner.expect(':', 'and the type after the name');
  scanner.skipBlanks();
  return { name, type: parseType(scanner) };
}

function parseOutput(scanner: TextScanner, references: Reference[]): Output {
  const value = parseReference(scanner, 'an output value');
  references.push(value);
  let name = value.name;
  let of: Reference | undefined;
  scanner.skipBlanks();
  if (acceptKeyword(scanner, 'as')) name = scanner.string('the name of the output');
  scanner.skipBlanks();
  if (acceptKeyword(scanner, 'of')) {
    of = parseReference(scanner, 'the value this is the gradient of');
    references.push(of);
  }
  return { name, value: value.name, ...(of !== undefined && { of: of.name }) };
}

function acceptKeyword(scanner: TextScanner, keyword: string): boolean {
  if (!scanner.accept(keyword)) return false;
  scanner.skipBlanks();
  return true;
}

function parseReference(scanner: TextScanner, what: string): Reference {
  const offset = scanner.offset;
  return { name: scanner.name('%', what), offset };
}

function parseType(scanner: TextScanner): TensorType {
  const dtype = scanner.dtype();
  scanner.expect('[', 'and the extents after the element type');
  const shape: number[] = [];
  scanner.skipBlanks();
  while (!scanner.accept(']')) {
    if (shape.length > 0) {
      scanner.expect(',', 'or "]" after an extent');
      scanner.skipBlanks();
    }
    const offset = scanner.offset;
    const extent = scanner.acceptNumber();
    if (extent === undefined) scanner.fail('expected an extent');
    if (!Number.isSafeInteger(extent) || extent < 0 || Object.is(extent, -0))
      throw new TextError(offset, 'an extent is an integer, 0 or more');
    shape.push(extent);
    scanner.skipBlanks();
  }
  return { dtype, shape };
}

function parseBody(scanner: TextScanner, lines: NodeLine[], report: (error: unknown) => void): void {
  let region: Region = 'forward';
  for (;;) {
    scanner.skipLines();
    if (scanner.atEnd()) throw new TextError(scanner.offset, 'expected "}" after the nodes, found the end of the text');
    if (scanner.accept('}')) break;
    try {
      const label = parseLabel(scanner);
      if (label === undefined) lines.push(parseNode(scanner, region));
      else region = label;
      scanner.skipBlanks();
      if (scanner.atRemark()) scanner.skipLine();
      if (!scanner.atLineEnd()) scanner.fail('expected the end of the line');
    } catch (error) {
      report(error);
      scanner.skipLine();
    }
  }
  scanner.skipLines();
  if (!scanner.atEnd()) scanner.fail('expected nothing after the graph');
}

function parseLabel(scanner: TextScanner): Region | undefined {
  const offset = scanner.offset;
  const word = scanner.acceptWord();
  if (word === undefined) return undefined;
  const region = (['forward', 'backward', 'update'] as const).find((name) => name === word);
  if (region === undefined) {
    const nearest = nearestName(word, ['forward', 'backward', 'update']);
    throw new TextError(
      offset,
      `expected a node (%y = op %x : f32[2]), a region or "}", found ${JSON.stringify(word)}`,
      nearest === undefined ? undefined : `did you mean ${JSON.stringify(`${nearest}:`)}?`,
    );
  }
  scanner.expect(':', 'after the region');
  return region;
}

function parseNode(scanner: TextScanner, region: Region): NodeLine {
  const names = [scanner.name('%', 'a node (%y = op %x : f32[2]), a region or "}"')];
  scanner.skipBlanks();
  while (scanner.accept(',')) {
    scanner.skipBlanks();
    names.push(scanner.name('%', 'a result'));
    scanner.skipBlanks();
  }
  scanner.expect('=', 'or "," after a result');
  scanner.skipBlanks();
  const op = scanner.acceptWord() ?? scanner.string('the name of an op');
  scanner.skipBlanks();
  const operands: Reference[] = [];
  while (operands.length > 0 ? scanner.accept(',') : scanner.text[scanner.offset] === '%') {
    scanner.skipBlanks();
    operands.push(parseReference(scanner, 'an operand'));
    scanner.skipBlanks();
  }
  const attributes = scanner.accept('{') ? parseAttributes(scanner) : {};
  scanner.skipBlanks();
  const typesOffset = scanner.offset;
  scanner.expect(':', 'and the types of the results');
  const types: TensorType[] = [];
  do {
    scanner.skipBlanks();
    types.push(parseType(scanner));
    scanner.skipBlanks();
  } while (scanner.accept(','));
  if (types.length !== names.length)
    throw new TextError(typesOffset, `${count(names.length, 'result')} but ${count(types.length, 'type')}`);
  return {
    node: {
      name: names[0]!,
      op,
      attributes,
      results: names.map((name, i) => ({ name, type: types[i]! })),
      region,
      ...parseClauses(scanner),
    },
    operands,
  };
}

const count = (n: number, noun: string): string => `${n} ${noun}${n === 1 ? '' : 's'}`;

type Clauses = Pick<Node, 'recompute' | 'gradientOf' | 'after' | 'source'>;

/** What may follow the types, in any order; the source is last, since it runs to the end of the line. */
function parseClauses(scanner: TextScanner): Clauses {
  let clauses: Clauses = {};
  const seen = new Set<string>();
  for (;;) {
    scanner.skipBlanks();
    if (scanner.atRemark()) {
      const source = parseRemark(scanner);
      return source === undefined ? clauses : { ...clauses, source };
    }
    const offset = scanner.offset;
    const word = scanner.acceptWord();
    if (word === undefined) return clauses;
    if (seen.has(word)) throw new TextError(offset, `a second ${word}(...)`);
    seen.add(word);
    scanner.skipBlanks();
    if (word === 'after') clauses = { ...clauses, after: parseList(scanner, parseAfter, false) };
    else if (word === 'recompute') clauses = { ...clauses, recompute: parseNodeName(scanner) };
    else if (word === 'gradient') clauses = { ...clauses, gradientOf: parseNodeName(scanner) };
    else
      throw new TextError(offset, `expected recompute(...), gradient(...), after(...) or // source, found "${word}"`);
  }
}

const parseAfter = (scanner: TextScanner): string => scanner.name('%', 'a node');

function parseNodeName(scanner: TextScanner): string {
  scanner.expect('(', 'before a node');
  scanner.skipBlanks();
  const name = scanner.name('%', 'a node');
  scanner.skipBlanks();
  scanner.expect(')', 'after the node');
  return name;
}

/** The text after `//`; none where there is nothing after it. */
function parseRemark(scanner: TextScanner): string | undefined {
  const start = scanner.offset + 2;
  scanner.skipLine();
  const text = scanner.text.slice(start, scanner.offset).trim();
  if (text === '') return undefined;
  return (text.startsWith('"') ? parseJsonString(text) : undefined) ?? text;
}

function parseAttributes(scanner: TextScanner): Attributes {
  const entries = new Map<string, AttributeValue>();
  for (;;) {
    scanner.skipBlanks();
    if (scanner.accept('}')) break;
    const offset = scanner.offset;
    const key = scanner.acceptWord() ?? scanner.string('the name of an attribute');
    if (entries.has(key)) throw new TextError(offset, `a second attribute ${JSON.stringify(key)}`);
    scanner.skipBlanks();
    scanner.expect('=', "after the attribute's name");
    scanner.skipBlanks();
    entries.set(key, parseAttribute(scanner));
    scanner.skipBlanks();
    if (scanner.accept('}')) break;
    scanner.expect(',', 'or "}" after an attribute');
  }
  return Object.fromEntries(entries);
}

function parseAttribute(scanner: TextScanner): AttributeValue {
  const number = scanner.acceptNumber();
  if (number !== undefined) return number;
  if (scanner.text[scanner.offset] === '"') return scanner.string('a string');
  if (scanner.accept('true')) return true;
  if (scanner.accept('false')) return false;
  if (!scanner.accept('[')) scanner.fail('expected a number, a string, true, false or [numbers]');
  const numbers: number[] = [];
  for (;;) {
    scanner.skipBlanks();
    if (scanner.accept(']')) return numbers;
    if (numbers.length > 0) {
      scanner.expect(',', 'or "]" after a number');
      scanner.skipBlanks();
    }
    numbers.push(scanner.acceptNumber() ?? scanner.fail('expected a number'));
  }
}

/**
 * Joins names to values. A name defined twice stands for its first definition (the verifier reports it). Without
 * `report`, unknown names are not errors: a line that could not be read may have defined them.
 */
function link(header: Header, lines: readonly NodeLine[], report: ((error: TextError) => void) | undefined): Graph {
  const { name, inputs, parameters, state, constants, outputs, references } = header;
  const values = new Map<string, Value>();
  const define = (value: Value): void => {
    if (!values.has(value.name)) values.set(value.name, value);
  };
  for (const list of [inputs, parameters, state, constants]) list.forEach(define);
  for (const { node } of lines) node.results.forEach(define);
  let unknowns = 0;
  const unknown = (reference: Reference): void => {
    if (report === undefined || unknowns++ >= maximumErrors) return;
    const nearest = nearestName(reference.name, values.keys());
    const hint = nearest === undefined ? undefined : `did you mean ${JSON.stringify(nearest)}?`;
    report(
      new TextError(reference.offset, `no value is named ${JSON.stringify(reference.name)}`, hint, 'unknown-value'),
    );
  };
  for (const reference of references) if (!values.has(reference.name)) unknown(reference);
  const nodes = lines.map(({ node, operands }): Node => {
    const found: Value[] = [];
    for (const reference of operands) {
      const value = values.get(reference.name);
      if (value === undefined) unknown(reference);
      else found.push(value);
    }
    const { name: nodeName, op, ...rest } = node;
    return { name: nodeName, op, operands: found, ...rest };
  });
  return { name, inputs, parameters, state, constants, nodes, outputs };
}
