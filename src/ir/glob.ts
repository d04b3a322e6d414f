/** Globs over value names: `*` is any run of characters, `?` any one; everything else stands for itself. */

export function globMatcher(patterns: readonly string[]): (name: string) => boolean {
  const expressions = patterns.map(
    (pattern) =>
      new RegExp(
        `^${[...pattern].map((c) => (c === '*' ? '.*' : c === '?' ? '.' : c.replace(/[\\^$.|+()[\]{}]/g, '\\$&'))).join('')}$`,
        's',
      ),
  );
  return (name) => expressions.some((expression) => expression.test(name));
}
