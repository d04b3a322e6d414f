/**
 * How much a file may be written out to: functions where they are called, branches and loops, recurrent layers over time.
 * Without a limit a kilobyte of functions that call each other twice, or one LSTM of a million steps, would never end.
 */
import type { NodeProto } from 'onnx-buf';
import { SublinearError } from '../../ir/diagnostic.ts';

/** Nodes that calls, branches, loops and recurrent layers may be written out to, all together. */
export const defaultExpansionLimit = 50_000;

/** Letters of the names that come with them, per node. */
const lettersPerNode = 400;

export interface ExpansionBudget {
  /** Throws `SublinearError` (`too-large`) once more has been taken than there is. `what` is written out, at `source`. */
  take(nodes: number, what: string, source: string): void;
  /** The same of the names that written nodes have: those of calls within calls grow. */
  takeNames(nodes: readonly NodeProto[], what: string, source: string): void;
}

export function expansionBudget(limit: number = defaultExpansionLimit): ExpansionBudget {
  let nodesLeft = limit;
  let lettersLeft = limit * lettersPerNode;
  const tooLarge = (what: string, most: string, source: string): SublinearError =>
    new SublinearError({
      code: 'too-large',
      message: `${what}: written out, it and all other functions, branches, loops and recurrent layers make more than ${most}`,
      source,
      hint: 'shorten the sequence or the loop, or allow more: --expansion-limit N (option expansionLimit)',
    });
  return {
    take: (nodes, what, source) => {
      nodesLeft -= nodes;
      if (!(nodesLeft >= 0)) throw tooLarge(what, `${limit} nodes`, source);
    },
    takeNames: (nodes, what, source) => {
      for (const node of nodes) for (const name of node.output) lettersLeft -= name.length;
      for (const node of nodes) lettersLeft -= node.name.length;
      if (!(lettersLeft >= 0)) throw tooLarge(what, `${limit * lettersPerNode} letters of names`, source);
    },
  };
}
