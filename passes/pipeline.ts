/**
 * Pipelines as text that round-trips: `fold,autodiff{wrt=parameters},plan{strategy=manual,checkpoints=[a,"b,c"]}`.
 * A value is a word, a JSON string, or a list of those in brackets.
 */
import { SublinearError } from '../src/ir/diagnostic.ts';
import type { PassOptions, PassOptionValue } from './pass.ts';

export interface PipelineStage {
  readonly pass: string;
  readonly options: PassOptions;
}

export function printPipeline(stages: readonly PipelineStage[]): string {
  return stages
    .map(({ pass, options }) => {
      const entries = Object.entries(options).map(([name, value]) => `${name}=${printValue(value)}`);
      return entries.length === 0 ? pass : `${pass}{${entries.join(',')}}`;
    })
    .join(',');
}

function printValue(value: PassOptionValue): string {
  return typeof value === 'string' ? printWord(value) : `[${value.map(printWord).join(',')}]`;
}

function printWord(word: string): string {
  return /^[^\s,{}[\]="]+$/.test(word) ? word : JSON.stringify(word);
}

function parseString(text: string): string | undefined {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'string' ? parsed : undefined;
  } catch {
    return undefined;
  }
}

/** Throws `SublinearError` (exit code 2) that points at the fault. */
export function parsePipeline(text: string): readonly PipelineStage[] {
  let at = 0;
  const fail = (expected: string): never => {
    throw new SublinearError(
      {
        code: 'bad-pipeline',
        message: `the pipeline is not well formed at column ${at + 1}: expected ${expected}\n  ${text}\n  ${' '.repeat(at)}^`,
        hint: 'write it like fold,autodiff{wrt=parameters},plan{strategy=memory},recompute,memory-plan',
      },
      2,
    );
  };
  const skip = (): void => {
    while (/\s/.test(text[at] ?? '')) at++;
  };
  const accept = (character: string): boolean => {
    skip();
    if (text[at] !== character) return false;
    at++;
    skip();
    return true;
  };
  const word = (what: string): string => {
    skip();
    if (text[at] === '"') {
      const match = /^"(?:[^"\\]|\\.)*"/.exec(text.slice(at));
      if (match === null) return fail('a closing quote');
      const parsed = parseString(match[0]);
      if (parsed === undefined) return fail('a JSON string, its control characters and escapes written as in JSON');
      at += match[0].length;
      return parsed;
    }
    const match = /^[^\s,{}[\]="]+/.exec(text.slice(at));
    if (match === null) return fail(what);
    at += match[0].length;
    return match[0];
  };
  const value = (): PassOptionValue => {
    if (!accept('[')) return word('a value');
    const items: string[] = [];
    if (accept(']')) return items;
    do items.push(word('a list item'));
    while (accept(','));
    return accept(']') ? items : fail('"," or "]"');
  };
  const stages: PipelineStage[] = [];
  do {
    const pass = word('the name of a pass');
    const options: Record<string, PassOptionValue> = {};
    if (accept('{') && !accept('}')) {
      do {
        const name = word('the name of an option');
        if (!accept('=')) fail('"="');
        options[name] = value();
      } while (accept(','));
      if (!accept('}')) fail('"," or "}"');
    }
    stages.push({ pass, options });
  } while (accept(','));
  if (at < text.length) fail('"," or the end');
  return stages;
}
