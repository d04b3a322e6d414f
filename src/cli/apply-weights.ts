/** `--weights he|hash[:GAIN]|FILE.safetensors`. */

import { readWith } from '../files/read-file.ts';
import { readSafetensors } from '../frontend/safetensors.ts';
import { fillWeights, loadWeights } from '../frontend/weights.ts';
import { SublinearError } from '../ir/diagnostic.ts';
import type { Model } from '../ir/graph.ts';

/**
 * The model with its weights made by rule or read. A rule fills what has no numbers, and `placeholders`: weights of which
 * a slimmed model says only the shape. Throws `SublinearError`.
 */
export function applyWeights(
  model: Model,
  rule: string,
  seed: number,
  placeholders: ReadonlySet<string> = new Set(),
): Model {
  if (rule === 'he' || rule === 'hash') return fillWeights(model, rule, seed, placeholders);
  if (rule.startsWith('hash:')) {
    const gain = Number(rule.slice('hash:'.length));
    if (rule.length > 'hash:'.length && Number.isFinite(gain))
      return fillWeights(model, { kind: 'hash', gain }, seed, placeholders);
  } else if (rule.endsWith('.safetensors'))
    return readWith(rule, 'the weights', (bytes) => loadWeights(model, readSafetensors(bytes)));
  throw new SublinearError(
    {
      code: 'unknown-weights',
      message: `--weights ${JSON.stringify(rule)} is neither a rule nor a file of weights`,
      hint: 'it takes he, hash, hash:GAIN (a number), or a path that ends in .safetensors',
    },
    2,
  );
}
