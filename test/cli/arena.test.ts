/** `sublinear arena`: the document it prints, and files and capacities that are at fault. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { filesBelow, sublinear, temporaryFolder } from './harness.ts';
import { writeInto } from './models.ts';

const header = 'id,lower,upper,size\n';

async function arena(text: string, ...argv: readonly string[]) {
  const folder = temporaryFolder();
  const path = writeInto(folder, 'x.csv', text);
  const result = await sublinear('arena', path, ...argv);
  expect(filesBelow(folder)).toEqual(['x.csv']);
  return result;
}

describe('arena', () => {
  it('prints one document, with offsets that do not overlap', async () => {
    const { code, stdout, stderr } = await arena(`${header}a,0,3,64\nb,1,5,128\nc,3,6,64\n`, '--json');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const report = JSON.parse(stdout);
    expect(Object.keys(report)).toEqual(['height', 'maxLoad', 'offsets', 'optimal', 'seconds']);
    expect(report).toMatchObject({ height: 192, maxLoad: 192, optimal: true });
    const { a, b, c } = report.offsets;
    expect(a + 64 <= b || b + 128 <= a).toBe(true);
    expect(c + 64 <= b || b + 128 <= c).toBe(true);
  });

  it('prints a table for people, also of no rows', async () => {
    expect((await arena(`${header}a,0,3,64\n`)).stdout).toBe(
      'height    64\nmax load  64\noptimal   yes\n\nid,offset\na,0\n',
    );
    expect(await arena(header)).toMatchObject({ code: 0, stdout: expect.stringContaining('height    0') });
    expect(JSON.parse((await arena(header, '--json')).stdout)).toMatchObject({ height: 0, offsets: {} });
  });

  it('takes steps up to 2^53 and below nothing', async () => {
    const { stdout } = await arena(`${header}a,-9007199254740991,0,8\nb,0,9007199254740991,8\n`, '--json');
    expect(JSON.parse(stdout)).toMatchObject({ height: 8, optimal: true });
  });

  it('a capacity that is too small is not met: exit code 3, with what is needed', async () => {
    const rows = `${header}a,0,3,64\nb,1,5,128\n`;
    const { code, stdout, stderr } = await arena(rows, '--capacity', '100', '--json');
    expect({ code, stdout }).toEqual({ code: 3, stdout: '' });
    expect(stderr).toContain('does not fit in 100 bytes: the lowest placement found has height 192');
    expect(stderr).toContain('at one step 192 bytes are alive, so no placement fits');
    expect(await arena(rows, '--capacity', '192')).toMatchObject({ code: 0, stderr: '' });
  });

  it.each([
    ['an interval that ends before it begins', `${header}a,5,3,64`, 'line 2: interval "a" ends at 3'],
    ['an interval of no step', `${header}a,3,3,64`, 'line 2: interval "a" ends at 3'],
    ['a missing column', 'id,lower,size\na,1,2', 'the header has no column upper'],
    ['an id twice', `${header}a,0,1,2\nb,0,1,2\na,0,1,2`, 'line 4: id "a" is taken by line 2'],
    ['a negative size', `${header}a,0,1,-2`, 'line 2: "-2" is not a number of bytes'],
    ['half a byte', `${header}a,0,1,2.5`, 'line 2: "2.5" is not a number of bytes'],
    ['a size beyond counting', `${header}a,0,1,99999999999999999999`, 'line 2: "99999999999999999999" is not'],
    ['sizes that add up beyond it', `${header}a,0,1,9007199254740991\nb,0,1,1`, 'line 3: the sizes add up to more'],
    ['a step that is no number', `${header}a,x,1,2`, 'line 2: "x" is not a step'],
    ['no columns', '{"format":"sublinear-plan-graph/1","nodes":[]}', 'the header has no column id, lower, upper, size'],
    ['nothing', '', 'is empty'],
    ['ten megabytes of one line', 'x'.repeat(10e6), 'the header has no column'],
    ['ten megabytes of lines', `${header}${'a,b,c,d\n'.repeat(1.25e6)}`, 'line 2: "b" is not a step'],
  ])('%s: the line is named', async (_what, text, message) => {
    const { code, stdout, stderr } = await arena(text, '--json');
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain(message);
    expect(stderr).toContain('x.csv');
    expect(stderr.length).toBeLessThan(4000);
    expect(stderr).not.toMatch(/\n\s+at .*\.[tj]s:\d+/);
  });

  it('a file that is not there, and options that are none', async () => {
    const absent = await sublinear('arena', join(temporaryFolder(), 'absent.csv'));
    expect(absent).toMatchObject({ code: 1, stdout: '' });
    expect(absent.stderr).toContain('there is no such file');
    for (const capacity of ['-3', 'x', '1.5', ''])
      expect(await arena(header, `--capacity=${capacity}`)).toMatchObject({ code: 2, stdout: '' });
  });
});
