/** Errors of the operating system, in words for people: one table for all that is read and written. */
import type { Diagnostic } from '../ir/diagnostic.ts';

export interface Explanation {
  readonly reason: string;
  /** What to do about it. */
  readonly hint?: string;
}

const otherPlace = 'choose a place that can be written';
const denied = { reason: 'permission is denied', hint: 'change its permissions, or choose another place' };
const full = 'free some of it, or choose another place';

/** By code (`errno(3)`). */
const explanations: Readonly<Record<string, Explanation>> = {
  EACCES: denied,
  EPERM: denied,
  EROFS: { reason: 'the file system can only be read', hint: otherPlace },
  ENOENT: { reason: 'there is no such file' },
  ENOTDIR: { reason: 'a part of the path is a file, not a folder' },
  EISDIR: { reason: 'it is a folder', hint: 'name a file' },
  EEXIST: { reason: 'something else is in its place', hint: otherPlace },
  ENOTEMPTY: { reason: 'a folder is in its place', hint: otherPlace },
  ENAMETOOLONG: { reason: 'the name is too long', hint: 'choose a shorter one' },
  ELOOP: { reason: 'its symbolic links lead round in a circle', hint: 'mend the links, or name the file itself' },
  ENOSPC: { reason: 'no space is left on the device', hint: full },
  EDQUOT: { reason: 'the quota of the disk is used up', hint: full },
  EFBIG: { reason: 'the file would be larger than the system allows', hint: otherPlace },
  EMFILE: { reason: 'too many files are open', hint: 'raise the limit (ulimit -n)' },
  ENFILE: { reason: 'too many files are open on this machine', hint: 'try again later' },
  ENOMEM: { reason: 'the system has no memory left', hint: 'end other programs' },
  EIO: { reason: 'the device failed', hint: 'see whether it is still there' },
  EPIPE: { reason: 'nobody reads it any more' },
  EBUSY: { reason: 'it is in use', hint: 'try again later, or choose another place' },
  ETXTBSY: { reason: 'it is a program that runs', hint: otherPlace },
  ENXIO: { reason: 'nothing is behind it', hint: otherPlace },
  ENODEV: { reason: 'nothing is behind it', hint: otherPlace },
  EXDEV: { reason: 'it lies on another device', hint: otherPlace },
  ERR_FS_FILE_TOO_LARGE: { reason: 'the file is larger than 2 GiB, which is more than can be read at once' },
  ERR_INVALID_ARG_VALUE: { reason: 'its name holds what no file name can' },
};

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** Why reading or writing failed. Errors that are not the system's keep their own words. */
export function explainFailure(error: unknown): Explanation {
  const code = codeOf(error);
  if (code !== undefined && Object.hasOwn(explanations, code)) return explanations[code]!;
  return { reason: error instanceof Error ? error.message : String(error) };
}

/** An error that the operating system gave for a call of ours: the fault of no code. */
export function isSystemError(error: unknown): error is Error {
  const code = codeOf(error);
  if (!(error instanceof Error) || code === undefined) return false;
  const isName = code === 'ERR_INVALID_ARG_VALUE' && error.message.includes('null bytes');
  return isName || code === 'ERR_FS_FILE_TOO_LARGE' || ('syscall' in error && /^E[A-Z0-9]+$/.test(code));
}

/** What is said of one that no reader or writer has put into words. */
export function systemDiagnostic(error: Error): Diagnostic {
  const { reason, hint } = explainFailure(error);
  const path = 'path' in error && typeof error.path === 'string' ? ` ${error.path}` : '';
  const call = 'syscall' in error ? `the system refused ${String(error.syscall)}${path}` : 'a file cannot be read';
  return { code: 'system-error', message: `${call}: ${reason}`, ...(hint !== undefined && { hint }) };
}
