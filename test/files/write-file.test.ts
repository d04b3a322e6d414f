/** Outputs are all there or none, whole, in their own place, with the permissions they had. */
import * as fs from 'node:fs';
import { basename, join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createExclusively, temporaryPath } from '../../src/files/temporary-file.ts';
import { assertFolderWritable, assertWritable, writeFilesAtomically } from '../../src/files/write-file.ts';
import { filesBelow, temporaryFolder } from '../cli/harness.ts';

vi.mock('node:fs', async (original) => {
  const real = await original<typeof fs>();
  return {
    ...real,
    renameSync: vi.fn(real.renameSync),
    linkSync: vi.fn(real.linkSync),
    fsyncSync: vi.fn(real.fsyncSync),
  };
});
afterEach(() => void vi.clearAllMocks());

const { existsSync, lstatSync, mkdirSync, readFileSync, readlinkSync, statSync, symlinkSync, writeFileSync } = fs;
const read = (path: string): string => readFileSync(path, 'utf8');
const write = (files: Readonly<Record<string, string>>): void => writeFilesAtomically(new Map(Object.entries(files)));
const mode = (path: string): number => statSync(path).mode & 0o777;

describe('several outputs', () => {
  it('are none where one has a folder in its place', () => {
    const folder = temporaryFolder();
    const [a, b, c] = ['a', 'b', 'c'].map((name) => join(folder, name)) as [string, string, string];
    writeFileSync(a, 'old');
    mkdirSync(b);
    expect(() => write({ [a]: 'new', [b]: 'new', [c]: 'new' })).toThrow(`cannot write ${b}: it is a folder`);
    expect(read(a)).toBe('old');
    expect(filesBelow(folder)).toEqual(['a']);
  });

  it.each(['linked', 'copied'])('are all taken back where a later rename fails (old files %s)', (kept) => {
    const folder = temporaryFolder();
    const [old, fresh, last] = ['old', 'below/fresh', 'last'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    for (const path of [old, last]) writeFileSync(path, 'old', { mode: 0o640 });
    if (kept === 'copied')
      vi.mocked(fs.linkSync).mockImplementation(() => {
        throw Object.assign(new Error(), { code: 'EPERM' });
      });
    const rename = vi.mocked(fs.renameSync).getMockImplementation()!;
    vi.mocked(fs.renameSync).mockImplementation((from, to) => {
      if (to === last) throw Object.assign(new Error(), { code: 'EBUSY' });
      rename(from, to);
    });
    expect(() => write({ [old]: 'new', [fresh]: 'new', [last]: 'new' })).toThrow(`cannot write ${last}: it is in use`);
    vi.mocked(fs.renameSync).mockImplementation(rename);
    vi.mocked(fs.linkSync).mockRestore();
    expect([read(old), read(last), mode(old)]).toEqual(['old', 'old', 0o640]);
    expect(filesBelow(folder)).toEqual(['last', 'old']);
    expect(existsSync(join(folder, 'below'))).toBe(false);
  });

  it('leave nothing but themselves, and are refused where two are one file', () => {
    const folder = temporaryFolder();
    const [a, b] = [join(folder, 'a'), join(folder, 'b')];
    write({ [a]: '1', [b]: '2' });
    write({ [a]: '3', [b]: '4' });
    expect([read(a), read(b)]).toEqual(['3', '4']);
    symlinkSync('a', join(folder, 'same'));
    expect(() => write({ [a]: '5', [join(folder, 'same')]: '6' })).toThrow('is written to the same file');
    expect(read(a)).toBe('3');
    expect(filesBelow(folder)).toEqual(['a', 'b']);
  });
});

describe('an output', () => {
  it.each([0o600, 0o755, 0o664])('keeps the permissions %o', (bits) => {
    const path = join(temporaryFolder(), 'a');
    writeFileSync(path, 'old');
    fs.chmodSync(path, bits);
    write({ [path]: 'new' });
    expect([read(path), mode(path)]).toEqual(['new', bits]);
  });

  it('that is a link is written where the link leads, there or not', () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'real'));
    writeFileSync(join(folder, 'real/a'), 'old');
    const links = { one: 'real/a', two: 'one', away: 'real/fresh', round: 'round' };
    for (const [name, target] of Object.entries(links)) symlinkSync(target, join(folder, name));
    write({ [join(folder, 'two')]: 'new', [join(folder, 'away')]: 'fresh' });
    expect([read(join(folder, 'real/a')), read(join(folder, 'real/fresh'))]).toEqual(['new', 'fresh']);
    for (const [name, target] of Object.entries(links)) expect(readlinkSync(join(folder, name))).toBe(target);
    expect(() => write({ [join(folder, 'round')]: '' })).toThrow('symbolic links lead round in a circle');
  });

  it('may have the longest name there is, and no longer one', () => {
    const folder = temporaryFolder();
    write({ [join(folder, 'n'.repeat(255))]: 'x' });
    expect(filesBelow(folder)).toEqual(['n'.repeat(255)]);
    expect(() => write({ [join(folder, 'n'.repeat(256))]: 'x' })).toThrow('the name is too long');
    expect(() => write({ '': 'x' })).toThrow('cannot write');
  });

  it('is on the disk, and so is its name', () => {
    const path = join(temporaryFolder(), 'a');
    const flushed: boolean[] = [];
    vi.mocked(fs.fsyncSync).mockImplementation((file) => void flushed.push(fs.fstatSync(file).isDirectory()));
    write({ [path]: 'x' });
    vi.mocked(fs.fsyncSync).mockRestore();
    expect(flushed).toEqual([false, true]);
  });

  it.skipIf(!existsSync('/dev/full'))('that has no space takes no other with it, and devices stay devices', () => {
    const path = join(temporaryFolder(), 'a');
    writeFileSync(path, 'old');
    expect(() => write({ [path]: 'new', '/dev/full': 'new' })).toThrow(
      'cannot write /dev/full: no space is left on the device\n  hint: free some of it, or choose another place',
    );
    expect(read(path)).toBe('old');
    write({ [path]: 'new', '/dev/null': 'new' });
    expect(read(path)).toBe('new');
    expect(lstatSync('/dev/null').isCharacterDevice()).toBe(true);
  });
});

describe('temporary files', () => {
  it('follow no link that was planted', () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'victim'), 'old');
    const planted = temporaryPath(join(folder, 'a'));
    symlinkSync(join(folder, 'victim'), planted);
    expect(() => createExclusively(planted, 0o666)).toThrow('EEXIST');
    expect(read(join(folder, 'victim'))).toBe('old');
    expect(temporaryPath(join(folder, 'a'))).not.toBe(planted);
  });

  it('of a process that is no more are cleared away by the next writer of the same output, and no others', () => {
    const folder = temporaryFolder();
    const path = join(folder, 'a');
    const ofProcess = (output: string, pid: number): string =>
      temporaryPath(join(folder, output)).replace(`-${process.pid}-`, `-${pid}-`);
    // No process has a number beyond what Linux gives at most.
    const dead = 2 ** 22 + 1;
    const [gone, running, other] = [ofProcess('a', dead), ofProcess('a', process.pid), ofProcess('b', dead)];
    const foreign = gone.replace(/-[0-9a-f]{8}-/, '-00000000-');
    const alike = join(folder, '.sublinear-a.tmp');
    for (const file of [gone, running, other, foreign, alike]) writeFileSync(file, 'half');
    write({ [path]: 'x' });
    const left = [running, other, foreign, alike, path].map((file) => basename(file));
    expect(filesBelow(folder)).toEqual(left.sort());
  });
});

describe('what could not be written', () => {
  it('is found before, and nothing is left of the trial', () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'file'), '');
    mkdirSync(join(folder, 'folder'));
    symlinkSync('nowhere', join(folder, 'link'));
    const before = filesBelow(folder);
    const bad = ['folder', 'file/below', 'file/below/more', 'link/below', `${'n'.repeat(300)}`, '', 'new/'];
    for (const name of bad)
      expect(() => assertWritable(name === '' ? '' : join(folder, name)), name).toThrow('cannot write');
    for (const name of ['file', 'file/below', 'link']) expect(() => assertFolderWritable(join(folder, name))).toThrow();
    for (const name of ['file', 'new', 'new/below', 'folder/a', 'link']) assertWritable(join(folder, name));
    for (const name of ['folder', 'new', 'new/below']) assertFolderWritable(join(folder, name));
    expect(filesBelow(folder)).toEqual(before);
    expect(existsSync(join(folder, 'new'))).toBe(false);
  });

  it('is a folder, or a file, that only others may write', () => {
    const folder = temporaryFolder();
    const [locked, file] = [join(folder, 'locked'), join(folder, 'file')];
    mkdirSync(locked, { mode: 0o555 });
    writeFileSync(file, 'old', { mode: 0o444 });
    fs.chmodSync(folder, 0o777);
    const isRoot = process.getuid?.() === 0;
    if (isRoot) process.seteuid?.(65534);
    try {
      for (const path of [join(locked, 'a'), join(locked, 'b/c'), file]) {
        expect(() => assertWritable(path)).toThrow(/cannot write .*: permission is denied/);
        expect(() => write({ [path]: 'new' })).toThrow(/cannot write .*: permission is denied/);
      }
    } finally {
      if (isRoot) process.seteuid?.(0);
    }
    expect(read(file)).toBe('old');
    expect(filesBelow(folder)).toEqual(['file']);
  });
});
