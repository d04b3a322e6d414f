/**
 * `--trainable`: a glob over parameters, or a file that lists the parameters to train: one name a line with `#` comments,
 * or JSON, an array of names or what `inspect --json` writes. A list stands in place of the rule.
 */
import { statSync } from 'node:fs';
import { extname } from 'node:path';
import { readWith } from '../files/read-file.ts';
import { type Diagnostic, nearestName, SublinearError } from '../ir/diagnostic.ts';
import { globMatcher } from '../ir/glob.ts';
import type { Graph } from '../ir/graph.ts';

export interface Trainable {
  /** Globs: trained too. */
  readonly trainable: readonly string[];
  /** Names in the lists; absent where no list was given. */
  readonly trainOnly?: readonly string[];
}

/** `aliases`: parameters by other names that the model's file has for them. Throws `SublinearError`. */
export function resolveTrainable(
  given: readonly string[],
  graph: Graph,
  aliases: ReadonlyMap<string, string>,
): Trainable {
  const known = new Set(graph.parameters.flatMap(({ name, type }) => (type.dtype === 'f32' ? [name] : [])));
  const files = given.filter((text) => isList(text, known));
  const trainable = given.filter((text) => !files.includes(text));
  if (files.length === 0) return { trainable };
  const state = new Set(graph.state.map(({ name }) => name));
  const names = new Set<string>();
  const faults: Diagnostic[] = [];
  for (const file of files) {
    const entries = readWith(file, 'the list of parameters', (bytes) => parseList(new TextDecoder().decode(bytes)));
    for (const { name, line } of entries) {
      const parameter = known.has(name) ? name : aliases.get(name);
      if (parameter !== undefined && known.has(parameter)) names.add(parameter);
      else faults.push(unknownName(name, line === undefined ? file : `${file}:${line}`, known, state));
    }
  }
  if (faults.length > 0) throw new SublinearError(faults);
  return { trainable, trainOnly: [...names] };
}

/** A pattern that matches parameters is one, whatever files there are. */
function isList(text: string, parameters: ReadonlySet<string>): boolean {
  const matches = globMatcher([text]);
  for (const name of parameters) if (matches(name)) return false;
  return (
    ['.txt', '.json'].includes(extname(text).toLowerCase()) ||
    statSync(text, { throwIfNoEntry: false })?.isFile() === true
  );
}

interface Entry {
  readonly name: string;
  readonly line?: number;
}

function parseList(text: string): readonly Entry[] {
  const entries = /^\s*[[{]/.test(text) ? parseJson(text) : parseLines(text);
  if (entries.length > 0) return entries;
  throw new SublinearError({
    code: 'empty-list',
    message: 'the list of parameters names none',
    hint: 'write one name a line, or give what `sublinear inspect MODEL --json` prints',
  });
}

function parseLines(text: string): readonly Entry[] {
  return text.split(/\r?\n/).flatMap((line, i): Entry[] => {
    // A `#` within a name stays: a comment begins a line, or stands behind a space.
    const name = line.replace(/(^|\s)#.*$/, '').trim();
    return name === '' ? [] : [{ name, line: i + 1 }];
  });
}

function parseJson(text: string): readonly Entry[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    throw malformed(error instanceof Error ? error.message : String(error));
  }
  const list: unknown = isRecord(parsed) ? parsed.gradients : parsed;
  if (!Array.isArray(list)) throw malformed('it has no array of names, and no "gradients" as inspect --json has them');
  return list.flatMap((item: unknown): Entry[] => {
    if (typeof item === 'string') return [{ name: item }];
    if (!isRecord(item) || typeof item.name !== 'string') throw malformed('an entry is neither a name nor has one');
    return item.trainable === true ? [{ name: item.name }] : [];
  });
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function malformed(why: string): SublinearError {
  return new SublinearError({ code: 'malformed-list', message: `the list of parameters cannot be read: ${why}` });
}

function unknownName(name: string, place: string, known: ReadonlySet<string>, state: ReadonlySet<string>): Diagnostic {
  const quoted = JSON.stringify(name);
  if (state.has(name))
    return {
      code: 'unknown-parameter',
      message: `${quoted} (${place}) is a running statistic, which the step moves by itself`,
      hint: 'take it off the list',
    };
  const nearest = nearestName(name, known);
  return {
    code: 'unknown-parameter',
    message: `the model has no parameter ${quoted} (${place})`,
    hint: nearest === undefined ? '`sublinear inspect MODEL` lists them' : `did you mean ${JSON.stringify(nearest)}?`,
  };
}
