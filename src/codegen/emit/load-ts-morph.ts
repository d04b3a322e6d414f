/** ts-morph brings a whole TypeScript compiler, 0.4 s to load: only emission pays for it. */
import { createRequire } from 'node:module';

let loaded: typeof import('ts-morph') | undefined;

export function loadTsMorph(): typeof import('ts-morph') {
  if (loaded === undefined) {
    const module: typeof import('ts-morph') = createRequire(import.meta.url)('ts-morph');
    loaded = module;
  }
  return loaded;
}
