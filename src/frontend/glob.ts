/**
 * Glob patterns over value names: `*` stands for any run of characters (dots and slashes too), `?` for one, everything
 * else for itself. Names are not paths, so there is nothing else to it.
 */

/** A test whether a name matches one of `patterns`. */
export function globMatcher(patterns: readonly string[]): (name: string) => boolean {
  if (patterns.length === 0) return () => false;
  const expression = new RegExp(`^(?:${patterns.map(globSource).join('|')})$`, 's');
  return (name) => expression.test(name);
}

function globSource(pattern: string): string {
  return [...pattern]
    .map((character) =>
      character === '*' ? '.*' : character === '?' ? '.' : character.replace(/[\\^$.*+?()[\]{}|/-]/, '\\$&'),
    )
    .join('');
}
