/**
 * Errors are data: what is wrong, where, and what to do. They are collected and thrown together.
 */

export interface Diagnostic {
  /** Stable, kebab-case: `shape-mismatch`, `unknown-op`. */
  readonly code: string;
  /** What is wrong, with names and shapes; one line. */
  readonly message: string;
  readonly node?: string;
  /** ONNX node, or file and line. */
  readonly source?: string;
  /** What to do about it. */
  readonly hint?: string;
}

/** 1: the input is at fault; 2: wrong usage; 3: the budget cannot be met; 70: our bug; 130, 143: stopped by SIGINT, SIGTERM. */
export type ExitCode = 1 | 2 | 3 | 70 | 130 | 143;

/** The one exception this project throws at its users. */
export class SublinearError extends Error {
  readonly diagnostics: readonly Diagnostic[];
  readonly exitCode: ExitCode;

  constructor(diagnostics: Diagnostic | readonly Diagnostic[], exitCode: ExitCode = 1) {
    const all: readonly Diagnostic[] = 'code' in diagnostics ? [diagnostics] : diagnostics;
    super(all.map(formatDiagnostic).join('\n'));
    this.name = 'SublinearError';
    this.diagnostics = all;
    this.exitCode = exitCode;
  }
}

/** Throws `RangeError` for one that says nothing: an empty message or hint is a bug of whoever made it. */
export function formatDiagnostic(diagnostic: Diagnostic): string {
  if (diagnostic.message.trim() === '' || diagnostic.hint?.trim() === '')
    throw new RangeError(`the diagnostic ${diagnostic.code} has an empty message or hint`);
  const lines = [diagnostic.message];
  if (diagnostic.node !== undefined) lines.push(`  at node ${JSON.stringify(diagnostic.node)}`);
  if (diagnostic.source !== undefined) lines.push(`  from ${diagnostic.source}`);
  if (diagnostic.hint !== undefined) lines.push(`  hint: ${diagnostic.hint}`);
  return lines.join('\n');
}

/** Letters beyond which a name is no slip of another. */
const longestName = 256;

/** Comparisons of letters that one search is worth; with long names, or very many, it looks at the first ones only. */
const mostComparisons = 4_000_000;

/**
 * The candidate nearest to `name` by edit distance, if any is near enough to be a slip: one letter in three may be
 * wrong, and one of two, but not all of it. Two letters that changed places are one slip.
 */
export function nearestName(name: string, candidates: Iterable<string>): string | undefined {
  if (name.length > longestName) return undefined;
  const sought = name.toLowerCase();
  let best: string | undefined;
  let bestDistance = Math.min(name.length - 1, Math.max(1, Math.floor(name.length / 3))) + 1;
  let comparisons = 0;
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - name.length) >= bestDistance) continue;
    comparisons += name.length * candidate.length;
    if (comparisons > mostComparisons) break;
    const distance = editDistance(sought, candidate.toLowerCase(), bestDistance);
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** Suggestions that a list of faults is worth: each looks through all names. */
const mostSuggestions = 20;

/**
 * `nearestName` for each of many unknown names: where a file has thousands, only the first few get a suggestion. The
 * candidates are listed on first use.
 */
export function nameSuggester(candidates: () => Iterable<string>): (name: string) => string | undefined {
  let suggestions = 0;
  let listed: readonly string[] | undefined;
  return (name) => {
    if (suggestions++ >= mostSuggestions) return undefined;
    listed ??= [...candidates()];
    return nearestName(name, listed);
  };
}

/**
 * Edit distance (insertions, deletions, substitutions, exchanges of neighbours), given up (and returned as `limit`) once
 * it cannot be below `limit`.
 */
function editDistance(a: string, b: string, limit: number): number {
  let before: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  let smallestBefore = 0;
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    let smallest = i;
    for (let j = 1; j <= b.length; j++) {
      const substitution = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      const exchanged = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const exchange = exchanged ? before[j - 2]! + 1 : limit;
      const distance = Math.min(substitution, exchange, previous[j]! + 1, current[j - 1]! + 1);
      current.push(distance);
      smallest = Math.min(smallest, distance);
    }
    if (smallest >= limit && smallestBefore >= limit - 1) return limit;
    before = previous;
    previous = current;
    smallestBefore = smallest;
  }
  return Math.min(previous[b.length]!, limit);
}
