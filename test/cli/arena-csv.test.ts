import { describe, expect, it } from 'vitest';
import { placeArena } from '../../passes/arena/place.ts';
import { formatArenaResult, parseArenaCsv, requireCapacity } from '../../src/cli/arena-csv.ts';
import { SublinearError } from '../../src/ir/diagnostic.ts';

/** What a reader of the error sees. */
function errorOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof SublinearError) return error.message;
    throw error;
  }
  return 'no error';
}

const errorIn = (text: string): string => errorOf(() => parseArenaCsv(text, 'x.csv'));

describe('parseArenaCsv', () => {
  it('reads columns in any order, with blank lines, spaces, CRLF and a byte order mark', () => {
    const csv = parseArenaCsv('\uFEFFsize, upper ,id,LOWER\r\n\r\n64,3,a,0\r\n128, 5,b b,2\r\n', 'x.csv');
    expect(csv).toEqual({
      ids: ['a', 'b b'],
      start: Float64Array.of(0, 2),
      end: Float64Array.of(3, 5),
      bytes: Float64Array.of(64, 128),
    });
  });

  it('reads a header alone as no intervals', () => {
    expect(parseArenaCsv('id,lower,upper,size\n', 'x.csv').ids).toEqual([]);
  });

  it('names file and line of each fault, all at once', () => {
    expect(
      errorIn('id,lower,upper,size\na,5,5,1\nb,0,1,-4\nc,0,1,NaN\nd,0,1\n\na,1,2,3\na,1,2,3\ne,x,2,3\n,0,1,1'),
    ).toBe(
      `line 2: interval "a" ends at 5, before it has lived a step from 5
  from x.csv:2
  hint: an interval is alive from lower up to, not including, upper: lower must be less
line 3: "-4" is not a number of bytes
  from x.csv:3
  hint: a size is a whole number, 0 or more
line 4: "NaN" is not a number of bytes
  from x.csv:4
  hint: a size is a whole number, 0 or more
line 5 has 3 values, the header 4
  from x.csv:5
line 8: id "a" is taken by line 7
  from x.csv:8
line 9: "x" is not a step
  from x.csv:9
  hint: lower and upper are whole numbers
line 10 has no id
  from x.csv:10`,
    );
  });

  it('refuses an empty file', () => {
    for (const text of ['', '\n \n', '\uFEFF']) expect(errorIn(text)).toContain('x.csv is empty');
  });

  it('refuses a header with missing, unknown or repeated columns', () => {
    expect(errorIn('id,lower,uper,size\n')).toBe(
      `the header has an unknown column "uper"
  from x.csv:1
  hint: did you mean upper?
the header has no column upper
  from x.csv:1
  hint: the first line is the header id,lower,upper,size, in any order`,
    );
    expect(errorIn('id,id,lower,upper,size\n')).toContain('the header names id twice');
    expect(errorIn('0,995328,1000448,656384\n')).toContain('the header has no column id, lower, upper, size');
  });

  it('refuses numbers that are not whole or too large', () => {
    for (const size of ['1.5', '1e3', '0x10', '', '99999999999999999', 'Infinity'])
      expect(errorIn(`id,lower,upper,size\na,0,1,${size}\n`)).toContain('is not a number of bytes');
    const most = Number.MAX_SAFE_INTEGER;
    expect(errorIn(`id,lower,upper,size\na,0,1,${most}\nb,4,5,1\n`)).toContain('more than 2^53');
  });

  it('gives up early on garbage', () => {
    const line = `${'\u0000garbage \uFFFD'.repeat(9)}\n`;
    expect(errorIn(line.repeat(20_000)).split('\n').length).toBeLessThan(50);
    const lines = errorIn(`id,lower,upper,size\n${line.repeat(20_000)}`).split('\n');
    expect(lines.length).toBeLessThan(50);
    expect(errorIn('x'.repeat(1_000_000)).length).toBeLessThan(500);
  });
});

describe('formatArenaResult', () => {
  const csv = parseArenaCsv('id,lower,upper,size\n10,0,2,64\n__proto__,1,3,128\n9,2,4,64\n', 'x.csv');
  const placement = placeArena(csv);

  it('prints JSON with every id, in the order of the file', () => {
    const json = formatArenaResult(csv, placement, { json: true, seconds: 0.25 });
    expect(json).toMatchInlineSnapshot(`
      "{
        "height": 192,
        "maxLoad": 192,
        "offsets": {
          "10": 128,
          "__proto__": 0,
          "9": 128
        },
        "optimal": true,
        "seconds": 0.25
      }
      "
    `);
    expect(Object.keys(JSON.parse(json))).toEqual(['height', 'maxLoad', 'offsets', 'optimal', 'seconds']);
  });

  it('prints a table for people', () => {
    expect(formatArenaResult(csv, placement, { json: false, seconds: 0 })).toMatchInlineSnapshot(`
      "height    192
      max load  192
      optimal   yes

      id,offset
      10,128
      __proto__,0
      9,128
      "
    `);
  });

  it('prints no intervals', () => {
    const none = parseArenaCsv('id,lower,upper,size', 'x.csv');
    const json = formatArenaResult(none, placeArena(none), { json: true, seconds: 0 });
    expect(JSON.parse(json)).toEqual({ height: 0, maxLoad: 0, offsets: {}, optimal: true, seconds: 0 });
  });
});

describe('requireCapacity', () => {
  const csv = parseArenaCsv('id,lower,upper,size\na,0,2,64\nb,1,3,128\n', 'x.csv');

  it('is content where the placement fits', () => {
    requireCapacity('x.csv', placeArena(csv), 192);
  });

  it('says the lowest height found and the largest load where it does not', () => {
    expect(errorOf(() => requireCapacity('x.csv', placeArena(csv), 191))).toBe(
      `x.csv does not fit in 191 bytes: the lowest placement found has height 192, the largest load is 192
  hint: at one step 192 bytes are alive, so no placement fits`,
    );
  });
});
