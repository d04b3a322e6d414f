/**
 * Small changes of a source file, found by its syntax tree: an operator swapped, a condition dropped, a constant
 * shifted. What only words errors, and types, are left alone.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { projectRoot } from './source-edit.ts';

export interface Mutant {
  readonly file: string;
  /** From 1 on. */
  readonly line: number;
  /** The line as it stands, without the spaces around it. */
  readonly text: string;
  /** Offsets of what is replaced. */
  readonly start: number;
  readonly end: number;
  readonly after: string;
}

const swaps: ReadonlyMap<ts.SyntaxKind, string> = new Map([
  [ts.SyntaxKind.PlusToken, '-'],
  [ts.SyntaxKind.MinusToken, '+'],
  [ts.SyntaxKind.AsteriskToken, '/'],
  [ts.SyntaxKind.SlashToken, '*'],
  [ts.SyntaxKind.PlusEqualsToken, '-='],
  [ts.SyntaxKind.MinusEqualsToken, '+='],
  [ts.SyntaxKind.LessThanToken, '<='],
  [ts.SyntaxKind.LessThanEqualsToken, '<'],
  [ts.SyntaxKind.GreaterThanToken, '>='],
  [ts.SyntaxKind.GreaterThanEqualsToken, '>'],
  [ts.SyntaxKind.EqualsEqualsEqualsToken, '!=='],
  [ts.SyntaxKind.ExclamationEqualsEqualsToken, '==='],
  [ts.SyntaxKind.AmpersandAmpersandToken, '||'],
  [ts.SyntaxKind.BarBarToken, '&&'],
]);

const swappedCalls: ReadonlyMap<string, string> = new Map([
  ['Math.min', 'Math.max'],
  ['Math.max', 'Math.min'],
  ['Math.ceil', 'Math.floor'],
  ['Math.floor', 'Math.ceil'],
  ['some', 'every'],
  ['every', 'some'],
]);

/** In the order of the text. */
export function findMutants(file: string): readonly Mutant[] {
  const text = readFileSync(join(projectRoot, file), 'utf8');
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const mutants: Mutant[] = [];
  const lines = text.split('\n');
  const replace = (node: ts.Node, after: string): void => {
    const start = node.getStart(source);
    const { line } = source.getLineAndCharacterOfPosition(start);
    mutants.push({ file, line: line + 1, text: lines[line]!.trim(), start, end: node.getEnd(), after });
  };
  const stack: ts.Node[] = [source];
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    if (ts.isThrowStatement(node) || ts.isTypeNode(node) || ts.isInterfaceDeclaration(node)) continue;
    if (ts.isTypeAliasDeclaration(node) || ts.isImportDeclaration(node) || ts.isTemplateExpression(node)) continue;
    mutate(node, replace);
    stack.push(...node.getChildren(source).toReversed());
  }
  return mutants.sort((a, b) => a.start - b.start || a.after.localeCompare(b.after));
}

function mutate(node: ts.Node, replace: (node: ts.Node, after: string) => void): void {
  if (ts.isBinaryExpression(node)) {
    const swapped = swaps.get(node.operatorToken.kind);
    if (swapped !== undefined) replace(node.operatorToken, swapped);
  } else if (ts.isIfStatement(node)) {
    if (!ts.isThrowStatement(node.thenStatement)) replace(node.expression, 'false');
  } else if (ts.isConditionalExpression(node)) replace(node.condition, 'false');
  else if (ts.isPrefixUnaryExpression(node)) {
    if (node.operator === ts.SyntaxKind.ExclamationToken) replace(node, node.operand.getText());
  } else if (ts.isNumericLiteral(node)) {
    const value = Number(node.text);
    replace(node, Number.isInteger(value) ? String(value + 1) : String(value * 1.5));
  } else if (ts.isCallExpression(node)) {
    const callee = node.expression;
    const name = ts.isPropertyAccessExpression(callee) ? callee.name.text : '';
    const swapped = swappedCalls.get(callee.getText()) ?? swappedCalls.get(name);
    if (swapped !== undefined && ts.isPropertyAccessExpression(callee))
      replace(swapped.includes('.') ? callee : callee.name, swapped);
  }
}

/** The file's text with the mutant in it. */
export function mutatedText({ file, start, end, after }: Mutant): string {
  const text = readFileSync(join(projectRoot, file), 'utf8');
  return text.slice(0, start) + after + text.slice(end);
}

/** `before -> after`, as survivors are noted. */
export function changeOf({ file, start, end, after }: Mutant): string {
  return `${readFileSync(join(projectRoot, file), 'utf8').slice(start, end)} -> ${after}`;
}
