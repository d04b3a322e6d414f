/**
 * Parameters that several nodes of the file read. Weights tied on purpose are right so; but exporters merge tensors that
 * are equal when they are written (all scales of 1, say), and what was two parameters is then trained as one.
 */
import { type ParameterReading, parameterReadings } from '../../analysis/parameter-uses.ts';
import type { Diagnostic } from '../../ir/diagnostic.ts';
import { elementCount, type Graph } from '../../ir/graph.ts';

/** Names shown before the rest is counted. */
const shown = 4;

/** `aliases`: parameters by other names. Constants and tables that are only added or multiplied in play no part. */
export function sharedParameterNotes(graph: Graph, aliases: ReadonlyMap<string, string>): readonly Diagnostic[] {
  const others = new Map<string, string[]>();
  for (const [alias, name] of aliases) {
    const own = others.get(name) ?? [];
    others.set(name, own);
    own.push(JSON.stringify(alias));
  }
  const readings = parameterReadings(graph);
  const shared = graph.parameters.flatMap(({ name, type }) => {
    const nodes = readersOf(readings.get(name) ?? []);
    if (nodes < 2 || elementCount(type.shape) < 2) return [];
    const also = others.get(name);
    const names = also === undefined ? '' : `also ${also.slice(0, shown).join(', ')}; `;
    return [`${JSON.stringify(name)} (${names}${nodes} nodes)`];
  });
  if (shared.length === 0) return [];
  const rest = shared.length > shown ? ` and ${shared.length - shown} more` : '';
  const each = shared.length === 1 ? 'is one parameter, and its gradient' : 'are each one parameter, and the gradient';
  return [
    {
      code: 'shared-parameters',
      message: `${shared.slice(0, shown).join(', ')}${rest} ${each} the sum of what the nodes that read it give`,
      hint: 'right for tied weights; where an exporter merged tensors that were equal, export with those kept apart',
    },
  ];
}

/** Nodes of the file that read it as a weight. */
function readersOf(readings: readonly ParameterReading[]): number {
  const weights = readings.filter(({ use }) => use === 'weight');
  return new Set(weights.map(({ node }) => node.source ?? node.name)).size;
}
