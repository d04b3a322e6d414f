/**
 * Reads fields of unknown JSON and collects what is wrong with them. Every reading returns something of the right type,
 * so that checking goes on to the next fault; what was read is only to be used after `throwIfAny`.
 */
import { type Diagnostic, nearestName, SublinearError } from '../ir/diagnostic.ts';

/** Garbage of any size fails after so many faults. */
const mostFaults = 20;
const longestName = 2000;

export interface JsonReader {
  /** Notes a fault; throws what is noted once there are twenty. */
  readonly add: (message: string, more?: Pick<Diagnostic, 'node' | 'hint'>) => void;
  readonly throwIfAny: () => void;
  /**
   * The fields of an object. Fields it does not know are left alone, for newer writers, unless they look like a slip of
   * one of `known`.
   */
  readonly record: (
    json: unknown,
    what: string,
    known: readonly string[],
  ) => Readonly<Record<string, unknown>> | undefined;
  readonly list: (json: unknown, what: string) => readonly unknown[];
  /** Text that is neither empty nor absurdly long: names stand in messages. */
  readonly name: (json: unknown, what: string) => string;
  readonly names: (json: unknown, what: string) => readonly string[];
  /** A whole number, not negative. */
  readonly count: (json: unknown, what: string) => number;
  readonly flag: (json: unknown, fallback: boolean, what: string) => boolean;
  /** The value as it stands in a message. */
  readonly shown: (json: unknown) => string;
}

/** `source` and `code` go into every diagnostic. */
export function jsonReader(source: string, code: string): JsonReader {
  const faults: Diagnostic[] = [];
  const throwIfAny = (): void => {
    if (faults.length > 0) throw new SublinearError(faults);
  };
  const add: JsonReader['add'] = (message, more = {}) => {
    faults.push({ code, message, source, ...more });
    if (faults.length === mostFaults) throwIfAny();
  };
  const expected = (what: string, kind: string, json: unknown): void =>
    add(json === undefined ? `${what} is missing` : `${what} is ${shown(json)}, not ${kind}`);
  const list = (json: unknown, what: string): readonly unknown[] => {
    if (Array.isArray(json)) return json;
    expected(what, 'a list', json);
    return [];
  };
  const name = (json: unknown, what: string): string => {
    if (typeof json === 'string' && json !== '' && json.length <= longestName) return json;
    expected(what, `a name of 1 to ${longestName} characters`, json);
    return '';
  };
  return {
    add,
    throwIfAny,
    record: (json, what, known) => {
      if (!isRecord(json)) {
        expected(what, 'an object', json);
        return undefined;
      }
      for (const field of Object.keys(json)) {
        if (known.includes(field)) continue;
        const nearest = field.length > 3 ? nearestName(field, known) : undefined;
        if (nearest !== undefined && json[nearest] === undefined)
          add(`${what} has the field ${shown(field)}`, { hint: `did you mean ${JSON.stringify(nearest)}?` });
      }
      return json;
    },
    list,
    name,
    names: (json, what) => list(json, what).map((item, i) => name(item, `${what}[${i}]`)),
    count: (json, what) => {
      if (typeof json === 'number' && Number.isSafeInteger(json) && json >= 0) return json;
      expected(what, 'a whole number, at least 0', json);
      return 0;
    },
    flag: (json, fallback, what) => {
      if (json === undefined) return fallback;
      if (typeof json === 'boolean') return json;
      expected(what, 'true or false', json);
      return fallback;
    },
    shown,
  };
}

function isRecord(json: unknown): json is Readonly<Record<string, unknown>> {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}

/** Short whatever its size: only the kind of a list or an object is shown. */
function shown(json: unknown): string {
  if (json === undefined) return 'missing';
  if (Array.isArray(json)) return `a list of ${json.length}`;
  if (typeof json === 'object' && json !== null) return 'an object';
  const text = typeof json === 'string' ? JSON.stringify(json.slice(0, 60)) : String(json);
  return text.length > 40 ? `${text.slice(0, 40)}...` : text;
}
