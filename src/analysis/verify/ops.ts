/** Rules on the application of ops: attributes and result types are what the op table says. */
import { type Diagnostic, nameSuggester, nearestName } from '../../ir/diagnostic.ts';
import { type Attributes, type AttributeValue, formatType, type Node, sameType } from '../../ir/graph.ts';
import { type AttributeKind, type Op, ShapeError } from '../../ir/op.ts';
import { printAttribute } from '../../ir/print.ts';
import { formatValueName } from '../../ir/text-names.ts';
import { isDType } from '../../ir/text-scanner.ts';
import { ops } from '../../ops/table.ts';
import { at, type Rule, type VerifyContext } from './context.ts';

/** Invariants 7 to 9. Types are inferred only where op and attributes are sound, so one fault is one diagnostic. */
export const opsAreApplied: Rule = ({ graph, report }) => {
  const hints = new Map<string, string>();
  const nearestOp = nameSuggester(() => ops.keys());
  for (const node of graph.nodes) {
    const op = ops.get(node.op);
    if (op === undefined) {
      const hint = hints.get(node.op) ?? unknownOpHint(nearestOp(node.op));
      hints.set(node.op, hint);
      report(at(node, 'unknown-op', `there is no op ${JSON.stringify(node.op)}`, hint));
      continue;
    }
    if (checkAttributes(op, node, report)) checkTypes(op, node, report);
  }
};

function unknownOpHint(nearest: string | undefined): string {
  return nearest === undefined ? '`sublinear ops` lists the ops' : `did you mean ${JSON.stringify(nearest)}?`;
}

type Report = VerifyContext['report'];

function checkAttributes(op: Op, node: Node, report: Report): boolean {
  const faults = attributeFaults(op, node.attributes);
  for (const { code, message, hint } of faults) report(at(node, code, message, hint));
  return faults.length === 0;
}

/** What is wrong with attributes by the op's own account of them, before any of its methods sees them. */
export function attributeFaults(op: Op, attributes: Attributes): readonly Diagnostic[] {
  const faults: Diagnostic[] = [];
  const specs = op.attributes;
  for (const [name, spec] of Object.entries(specs)) {
    const value = Object.hasOwn(attributes, name) ? attributes[name] : undefined;
    if (value === undefined)
      faults.push({ code: 'missing-attribute', message: `${op.name} needs the attribute ${name} (${spec.doc})` });
    else if (!isOfKind(value, spec.kind))
      faults.push({
        code: 'attribute-kind',
        message: `the attribute ${name} of ${op.name} is ${kindText[spec.kind]}, not ${printAttribute(value)}`,
      });
  }
  for (const name of Object.keys(attributes)) {
    if (Object.hasOwn(specs, name)) continue;
    const nearest = nearestName(name, Object.keys(specs));
    const known = Object.keys(specs).join(', ');
    const hint =
      nearest === undefined ? (known === '' ? 'it takes none' : `it takes ${known}`) : `did you mean ${nearest}?`;
    faults.push({
      code: 'unknown-attribute',
      message: `${op.name} has no attribute ${JSON.stringify(name)}`,
      hint,
    });
  }
  return faults;
}

const kindText: Readonly<Record<AttributeKind, string>> = {
  int: 'an integer',
  ints: 'a list of integers',
  float: 'a number',
  floats: 'a list of numbers',
  string: 'a string',
  bool: 'true or false',
  dtype: 'an element type (a string such as "f32")',
};

function isOfKind(value: AttributeValue, kind: AttributeKind): boolean {
  switch (kind) {
    case 'int':
      return Number.isSafeInteger(value);
    case 'ints':
      return typeof value === 'object' && value.every((x) => Number.isSafeInteger(x));
    case 'float':
      return typeof value === 'number';
    case 'floats':
      return typeof value === 'object' && value.every((x) => typeof x === 'number');
    case 'string':
      return typeof value === 'string';
    case 'bool':
      return typeof value === 'boolean';
    case 'dtype':
      return typeof value === 'string' && isDType(value);
  }
}

function checkTypes(op: Op, node: Node, report: Report): void {
  const operandTypes = node.operands.map((operand) => operand.type);
  const applied = `${op.name}(${operandTypes.map(formatType).join(', ')})`;
  let inferred: ReturnType<Op['infer']>;
  try {
    inferred = op.infer(operandTypes, node.attributes);
  } catch (error) {
    // Inference may trip over a missing operand; that is a fault of the graph all the same.
    const what = error instanceof Error ? error.message : String(error);
    const hint = error instanceof ShapeError ? error.hint : 'the operands are too few or of the wrong kind';
    report(at(node, 'shape-mismatch', `${applied}: ${what}`, hint));
    return;
  }
  if (inferred.length !== node.results.length) {
    report(at(node, 'result-count', `${applied} has ${inferred.length} results, not ${node.results.length}`));
    return;
  }
  node.results.forEach((result, i) => {
    const type = inferred[i]!;
    if (!sameType(type, result.type))
      report(
        at(
          node,
          'result-type',
          `${i === 0 ? 'is' : `${formatValueName(result.name)} is`} given as ${formatType(result.type)}, but ${applied} makes ${formatType(type)}`,
        ),
      );
  });
}
