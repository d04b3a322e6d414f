import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkPlacement } from '../../../passes/arena/check.ts';
import { placeArena } from '../../../passes/arena/place.ts';
import { parseArenaCsv } from '../../../src/cli/arena-csv.ts';
import { sharedData } from '../../shared-data.ts';

const folder = sharedData('minimalloc');
if (folder === undefined) console.warn('skipped: the MiniMalloc instances are not here (SUBLINEAR_DATA)');

/** Largest loads of the instances: what no placement can go below. */
const loads = { A: 1_048_576, B: 1_048_576, C: 1_039_360, D: 986_112, E: 1_048_576, F: 1_048_576 };

describe.skipIf(folder === undefined)('the hard instances of MiniMalloc fit in 1,048,576 bytes', () => {
  for (const [name, load] of Object.entries(loads))
    it(`${name}, of load ${load}`, () => {
      const file = `${name}.1048576.csv`;
      const csv = parseArenaCsv(readFileSync(join(folder!, file), 'utf8'), file);
      for (const options of [{}, { capacity: 1_048_576 }]) {
        const { offsets, height, maxLoad, optimal } = placeArena(csv, options);
        expect(maxLoad).toBe(load);
        expect(height).toBeLessThanOrEqual(1_048_576);
        expect(optimal || height > load).toBe(true);
        expect(checkPlacement(csv, offsets, 1_048_576)).toEqual([]);
      }
    });
});
