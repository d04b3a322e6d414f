/** Byte budgets as people write them: `64MiB`, `1.5GB`, `4096`, or `40%` of what ordinary training takes. */
import { SublinearError } from '../ir/diagnostic.ts';

export type ByteSize =
  | { readonly kind: 'bytes'; readonly bytes: number }
  | { readonly kind: 'share'; readonly share: number };

const unitBytes: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  k: 1e3,
  kb: 1e3,
  m: 1e6,
  mb: 1e6,
  g: 1e9,
  gb: 1e9,
  t: 1e12,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
};

/** Throws `SublinearError` (exit code 2) for what is no size, zero or negative. */
export function parseByteSize(text: string, option = 'the budget'): ByteSize {
  const match = /^\s*([+-]?(?:\d+\.?\d*|\.\d+))\s*(%|[A-Za-z]*)\s*$/.exec(text);
  const number = Number(match?.[1]);
  const unit = match?.[2]?.toLowerCase() ?? '';
  if (match === null || (unit !== '%' && !(unit in unitBytes)))
    throw bad(`${option} ${JSON.stringify(text)} is no number of bytes`);
  if (!(number > 0)) throw bad(`${option} must be more than nothing, not ${JSON.stringify(text)}`);
  if (unit === '%') return { kind: 'share', share: number / 100 };
  const bytes = Math.floor(number * unitBytes[unit]!);
  if (!Number.isSafeInteger(bytes) || bytes < 1) throw bad(`${option} ${JSON.stringify(text)} is no number of bytes`);
  return { kind: 'bytes', bytes };
}

/** The bytes meant, where `whole` is what a share is a share of. */
export function resolveByteSize(size: ByteSize, whole: number): number {
  return size.kind === 'bytes' ? size.bytes : Math.floor(size.share * whole);
}

function bad(message: string): SublinearError {
  return new SublinearError(
    { code: 'bad-budget', message, hint: 'write it like 64MiB, 1.5GB, 4096, or 40% (of ordinary training)' },
    2,
  );
}
