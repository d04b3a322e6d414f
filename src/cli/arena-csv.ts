/**
 * The files of `sublinear arena`: intervals as comma-separated values, MiniMalloc's `id,lower,upper,size`, and the
 * placement as JSON or as a table. Faults are collected with their line numbers; a file of garbage is given up early.
 */
import type { Placement } from '../../passes/arena/place.ts';
import { type Diagnostic, nearestName, SublinearError } from '../ir/diagnostic.ts';

/** Interval i is alive during `start[i] <= step < end[i]`; numbering is the order of the file. */
export interface ArenaCsv {
  readonly ids: readonly string[];
  readonly start: Float64Array;
  readonly end: Float64Array;
  readonly bytes: Float64Array;
}

const columns = ['id', 'lower', 'upper', 'size'] as const;
type Column = (typeof columns)[number];

/** After so many faults the file is not what it is taken for. */
const mostFaults = 20;

/**
 * A header names the columns, in any order; then a line for each interval; blank lines are skipped. Throws
 * `SublinearError` naming file and line.
 */
export function parseArenaCsv(text: string, fileName: string): ArenaCsv {
  const lines = text.replace(/^\uFEFF/, '').split(/\r\n|\n|\r/);
  const header = lines.findIndex((line) => line.trim() !== '');
  if (header < 0)
    throw new SublinearError({
      code: 'empty-csv',
      message: `${fileName} is empty`,
      hint: `the first line is the header ${columns.join(',')}`,
    });
  const place = readHeader(lines[header]!, `${fileName}:${header + 1}`);
  const faults: Diagnostic[] = [];
  const ids: string[] = [];
  const lineOf = new Map<string, number>();
  const start: number[] = [];
  const end: number[] = [];
  const bytes: number[] = [];
  let total = 0;
  for (let number = header + 1; number < lines.length && faults.length < mostFaults; number++) {
    const line = lines[number]!;
    if (line.trim() === '') continue;
    const source = `${fileName}:${number + 1}`;
    const fault = (code: string, message: string, hint?: string): void => {
      faults.push({ code, message, source, ...(hint !== undefined && { hint }) });
    };
    const cells = line.split(',').map((cell) => cell.trim());
    if (cells.length !== columns.length) {
      fault('bad-csv-line', `line ${number + 1} has ${count(cells.length, 'value')}, the header ${columns.length}`);
      continue;
    }
    const cell = (column: Column): string => cells[place[column]]!;
    const integer = (column: Column): number =>
      /^[+-]?\d{1,16}$/.test(cell(column)) ? Number(cell(column)) : Number.NaN;
    const id = cell('id');
    const earlier = lineOf.get(id);
    const lower = integer('lower');
    const upper = integer('upper');
    const size = integer('size');
    if (id === '') fault('bad-csv-line', `line ${number + 1} has no id`);
    else if (earlier !== undefined)
      fault('duplicate-id', `line ${number + 1}: id ${shown(id)} is taken by line ${earlier}`);
    else if (!Number.isSafeInteger(lower) || !Number.isSafeInteger(upper))
      fault(
        'bad-csv-number',
        `line ${number + 1}: ${shown(cell(Number.isSafeInteger(lower) ? 'upper' : 'lower'))} is not a step`,
        'lower and upper are whole numbers',
      );
    else if (lower >= upper)
      fault(
        'empty-interval',
        `line ${number + 1}: interval ${shown(id)} ends at ${upper}, before it has lived a step from ${lower}`,
        'an interval is alive from lower up to, not including, upper: lower must be less',
      );
    else if (!Number.isSafeInteger(size) || size < 0)
      fault(
        'bad-csv-number',
        `line ${number + 1}: ${shown(cell('size'))} is not a number of bytes`,
        'a size is a whole number, 0 or more',
      );
    else if ((total += size) > Number.MAX_SAFE_INTEGER)
      fault('bad-csv-number', `line ${number + 1}: the sizes add up to more than 2^53 bytes`);
    else {
      lineOf.set(id, number + 1);
      ids.push(id);
      start.push(lower);
      end.push(upper);
      bytes.push(size);
    }
  }
  if (faults.length > 0) throw new SublinearError(faults);
  return { ids, start: Float64Array.from(start), end: Float64Array.from(end), bytes: Float64Array.from(bytes) };
}

/** The position of each column. */
function readHeader(line: string, source: string): Readonly<Record<Column, number>> {
  const names = line.split(',').map((name) => name.trim().toLowerCase());
  const faults: Diagnostic[] = [];
  const missing = columns.filter((column) => !names.includes(column));
  // A first line without any of the columns is no header: what else it holds tells nobody anything.
  const listed = missing.length === columns.length ? [] : names.slice(0, mostFaults);
  for (const [i, name] of listed.entries()) {
    const known = columns.some((column) => column === name);
    if (known && names.indexOf(name) === i) continue;
    const nearest = known ? undefined : nearestName(name, missing);
    faults.push({
      code: known ? 'duplicate-column' : 'unknown-column',
      message: known ? `the header names ${name} twice` : `the header has an unknown column ${shown(name)}`,
      source,
      hint: nearest === undefined ? `the columns are ${columns.join(', ')}` : `did you mean ${nearest}?`,
    });
  }
  if (missing.length > 0)
    faults.push({
      code: 'missing-column',
      message: `the header has no column ${missing.join(', ')}`,
      source,
      hint: `the first line is the header ${columns.join(',')}, in any order`,
    });
  if (faults.length > 0) throw new SublinearError(faults);
  const [id, lower, upper, size] = columns.map((column) => names.indexOf(column));
  return { id: id!, lower: lower!, upper: upper!, size: size! };
}

/** Throws `SublinearError` (exit code 3) where the placement found is higher than `capacity`. */
export function requireCapacity(fileName: string, placement: Placement, capacity: number): void {
  const { height, maxLoad, optimal } = placement;
  if (height <= capacity) return;
  const proof =
    maxLoad > capacity
      ? `at one step ${maxLoad} bytes are alive, so no placement fits`
      : optimal
        ? 'no placement is lower'
        : `a lower one is not ruled out: the largest load is ${maxLoad} bytes`;
  throw new SublinearError(
    {
      code: 'capacity-exceeded',
      message: `${fileName} does not fit in ${capacity} bytes: the lowest placement found has height ${height}, the largest load is ${maxLoad}`,
      hint: proof,
    },
    3,
  );
}

export interface ArenaFormat {
  readonly json: boolean;
  /** Time taken; the one figure that may differ from run to run. */
  readonly seconds: number;
}

/**
 * `{ "height", "maxLoad", "offsets": { id: offset }, "optimal", "seconds" }`, ids in the order of the file, or the same
 * for people. Ends with a newline.
 */
export function formatArenaResult(csv: ArenaCsv, placement: Placement, { json, seconds }: ArenaFormat): string {
  const { height, maxLoad, offsets, optimal } = placement;
  if (json) {
    // Written out by hand: an object would put ids that look like numbers first, and lose one called __proto__.
    const entries = csv.ids.map((id, i) => `    ${JSON.stringify(id)}: ${offsets[i]}`).join(',\n');
    return `{
  "height": ${height},
  "maxLoad": ${maxLoad},
  "offsets": {${entries === '' ? '' : `\n${entries}\n  `}},
  "optimal": ${optimal},
  "seconds": ${seconds}
}
`;
  }
  const above = maxLoad === 0 ? 0 : (100 * (height - maxLoad)) / maxLoad;
  const summary = [
    `height    ${height}${height > maxLoad ? ` (${above.toFixed(2)} % above the largest load)` : ''}`,
    `max load  ${maxLoad}`,
    `optimal   ${optimal ? 'yes' : 'not proved'}`,
    '',
    'id,offset',
  ];
  return `${[...summary, ...csv.ids.map((id, i) => `${id},${offsets[i]}`)].join('\n')}\n`;
}

function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`;
}

/** A cell in quotes, cut where it is long. */
function shown(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}...` : text);
}
