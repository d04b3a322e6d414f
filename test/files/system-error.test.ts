/** What the operating system refuses is told from bugs, and said in words. */
import { statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readBytes } from '../../src/files/read-file.ts';
import { isSystemError, systemDiagnostic } from '../../src/files/system-error.ts';
import { temporaryFolder } from '../cli/harness.ts';

function errorOf(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  return undefined;
}

describe('errors of the system', () => {
  it('name the path, the reason and what to do', () => {
    const loop = join(temporaryFolder(), 'loop');
    symlinkSync('loop', loop);
    const cases = [
      [loop, `${loop}: its symbolic links lead round in a circle`],
      [`/${'n'.repeat(300)}`, 'n: the name is too long'],
      ['a\0b', 'its name holds what no file name can'],
    ] as const;
    for (const [path, message] of cases) {
      const error = errorOf(() => statSync(path));
      expect(isSystemError(error), path).toBe(true);
      if (isSystemError(error)) expect(systemDiagnostic(error).message).toContain(message);
      expect(() => readBytes(path, 'the model')).toThrow('cannot read the model');
    }
  });

  it('are no others', () => {
    for (const error of [new TypeError('x'), errorOf(() => Buffer.alloc(-1)), 'EACCES', undefined])
      expect(isSystemError(error)).toBe(false);
  });
});
