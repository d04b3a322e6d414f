/**
 * Identifiers for names of a model. A graph's names are any text; what a program says to the step are identifiers:
 * `layer1.weight` becomes `layer1_weight`. The library call and emitted modules name tensors alike.
 */

/** Words that cannot name a variable in a strict module, and names that every object answers to. */
const reserved: ReadonlySet<string> = new Set([
  ...'abstract any arguments as async await boolean break case catch class const continue debugger declare'.split(' '),
  ...'default delete do else enum eval export extends false finally for from function get if'.split(' '),
  ...'implements import in infer instanceof interface is keyof let module namespace never new null number'.split(' '),
  ...'object of package private protected public readonly require return set static string super switch'.split(' '),
  ...'symbol this throw true try type typeof undefined unique unknown using var void while with yield'.split(' '),
  ...'NaN Infinity globalThis then'.split(' '),
  ...Object.getOwnPropertyNames(Object.prototype),
]);

/** One identifier a name, none twice. Names that are identifiers keep theirs; others give way in the order given. */
export function identifiersFor(names: readonly string[], taken: ReadonlySet<string> = new Set()): Map<string, string> {
  const used = new Set(taken);
  const chosen = new Map<string, string>();
  for (const name of names) {
    if (toIdentifier(name) !== name || used.has(name)) continue;
    chosen.set(name, name);
    used.add(name);
  }
  const ordered = new Map<string, string>();
  for (const name of names) ordered.set(name, chosen.get(name) ?? uniqueIdentifier(toIdentifier(name), used));
  return ordered;
}

/** `base`, or `base_2`, `base_3`, ... where it is taken; takes it. */
export function uniqueIdentifier(base: string, taken: Set<string>): string {
  let name = base;
  for (let count = 2; taken.has(name); count++) name = `${base}_${count}`;
  taken.add(name);
  return name;
}

/** A valid identifier that reads like `name`: letters of any script stay, runs of anything else become `_`. */
export function toIdentifier(name: string): string {
  const plain = name.replace(/[^\p{ID_Continue}$]+/gu, '_');
  const trimmed = /^[\w$]+$/.test(name) ? plain : plain.replace(/^_+(?=.)|(?<=.)_+$/gu, '');
  const started = /^[\p{ID_Start}$_]/u.test(trimmed) ? trimmed : `_${trimmed}`;
  return reserved.has(started) ? `${started}_` : started;
}
