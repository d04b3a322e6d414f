/** Finds the data that lies beside the project, and says so once where it is absent. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';

const root = process.env.SUBLINEAR_DATA ?? resolve(import.meta.dirname, '../../shared/data');

/** The path of `sub` in the shared data, or undefined (with a printed reason) where it is not there. */
export function sharedData(sub: string): string | undefined {
  const path = join(root, sub);
  if (existsSync(path)) return path;
  console.info(`skipped: no ${sub} in the shared data; set SUBLINEAR_DATA`);
  return undefined;
}
