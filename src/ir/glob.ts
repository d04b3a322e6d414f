/** Globs over value names: `*` is any run of characters, `?` any one; everything else stands for itself. */

/** Whether a name matches any of `patterns`. Takes at most as many steps as the lengths of name and pattern multiply to. */
export function globMatcher(patterns: readonly string[]): (name: string) => boolean {
  const globs = patterns.map((pattern) => [...pattern]);
  return (name) => {
    if (globs.length === 0) return false;
    const characters = [...name];
    return globs.some((glob) => matches(glob, characters));
  };
}

/**
 * A star first takes nothing; where the rest then fails, the last star takes one character more. Earlier stars need no
 * second try: what they would give to the later ones, those can take themselves.
 */
function matches(glob: readonly string[], name: readonly string[]): boolean {
  let at = 0;
  let star = -1;
  let starEnd = 0;
  for (let i = 0; i < name.length; ) {
    if (glob[at] === '*') {
      star = at++;
      starEnd = i;
    } else if (at < glob.length && (glob[at] === '?' || glob[at] === name[i])) {
      at++;
      i++;
    } else if (star >= 0) {
      at = star + 1;
      i = ++starEnd;
    } else return false;
  }
  while (glob[at] === '*') at++;
  return at === glob.length;
}
