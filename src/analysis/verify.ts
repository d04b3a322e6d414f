/**
 * The verifier. It runs on every input and, under `--verify=each` and in tests, after every pass. Errors are data and
 * all of them are collected.
 *
 * Invariants of a graph:
 *
 *   names       1  value names are unique, residents included
 *               2  a node has results and is named after the first
 *   types       3  element types are known, extents are integers of 0 or more
 *   order       4  every operand is defined, with exactly the type the node reads it as
 *               5  operands and `after` nodes stand before the node (the order of nodes is the order of execution)
 *               6  there is no cycle
 *   ops         7  the op is in the op table
 *               8  attributes are the op's: all of them, no others, of the right kinds
 *               9  result types are what the op infers
 *   regions    10  originals: forward nodes stand before backward ones; ops that update stand in the region `update`
 *   clones     11  `recompute` names an original that stands earlier, with the same op, attributes and result types; each
 *                  operand is the original's operand or a copy of it; nothing of effect `state` or `update` is cloned
 *   residents  12  only parameters and state are written over, each at most once, by results of the same type
 *              13  what is written over is not read later, by a clone, a view or an output either
 *   outputs    14  they exist, have names of their own, are bound to originals, and a gradient has the type of its primal
 *
 * `gradient(...)` is a remark for drawings: the node it names may have been removed.
 */
import { type Diagnostic, type ExitCode, SublinearError } from '../ir/diagnostic.ts';
import type { Graph } from '../ir/graph.ts';
import { checkCollapseLaw } from './collapse.ts';
import { clonesCollapse } from './verify/clones.ts';
import { createContext, type Rule } from './verify/context.ts';
import { formatWithContext } from './verify/format-with-context.ts';
import { namesAreIdentity, typesAreStatic } from './verify/names.ts';
import { opsAreApplied } from './verify/ops.ts';
import { operandsPrecede } from './verify/order.ts';
import { outputsExist } from './verify/outputs.ts';
import { regionsInOrder } from './verify/regions.ts';
import { writesComeLast } from './verify/residents.ts';

const rules: readonly Rule[] = [
  namesAreIdentity,
  typesAreStatic,
  operandsPrecede,
  opsAreApplied,
  regionsInOrder,
  clonesCollapse,
  writesComeLast,
  outputsExist,
];

export interface VerifyOptions {
  /** The graph before `recompute`; the collapse law is then checked against it. */
  readonly original?: Graph;
}

/** Every violation, in the order of the rules. O(size of the graph). */
export function verifyGraph(graph: Graph, options: VerifyOptions = {}): readonly Diagnostic[] {
  const diagnostics: Diagnostic[] = [];
  const context = createContext(graph, (diagnostic) => diagnostics.push(diagnostic));
  for (const rule of rules) rule(context);
  if (options.original !== undefined) diagnostics.push(...checkCollapseLaw(options.original, graph));
  return diagnostics;
}

/** The stage at which a fault is the user's; at every other it is ours. */
export const inputStage = 'the input';

const shownErrors = 10;

/**
 * Throws `SublinearError` (exit code 1 at `inputStage`, else 70) that holds every violation; its message shows the
 * first ten with the lines around them. `stage` is a noun: `the input`, `the pass cse`.
 */
export function assertVerified(graph: Graph, stage: string, options: VerifyOptions = {}): void {
  const diagnostics = verifyGraph(graph, options);
  if (diagnostics.length === 0) return;
  const exitCode: ExitCode = stage === inputStage ? 1 : 70;
  const error = new SublinearError(diagnostics, exitCode);
  const shown = diagnostics.slice(0, shownErrors).map((diagnostic) => formatWithContext(graph, diagnostic));
  const more = diagnostics.length > shownErrors ? [`and ${diagnostics.length - shownErrors} more`] : [];
  const where = stage === inputStage ? 'the input is not a valid graph' : `the graph is not valid after ${stage}`;
  error.message = [`${where}:`, ...shown, ...more].join('\n');
  throw error;
}
