/** `sublinear arena FILE.csv`: places intervals of known lifetimes in a buffer, for anyone who needs only an allocator. */
import type { Command } from 'commander';
import { placeArena } from '../../../passes/arena/place.ts';
import { readText } from '../../files/read-file.ts';
import { formatArenaResult, parseArenaCsv, requireCapacity } from '../arena-csv.ts';
import { wholeNumber } from '../options.ts';
import { printOutput } from '../print-notes.ts';

export function addArenaCommand(program: Command): void {
  program
    .command('arena')
    .summary('place intervals of known lifetimes in a buffer')
    .description(
      'Gives each interval of FILE (columns id,lower,upper,size; half-open) an offset in a buffer as short as can be found.',
    )
    .argument('<FILE.csv>')
    .option('--capacity <N>', 'bytes that are low enough; more is an error', wholeNumber(0))
    .option('--json', 'print one JSON document')
    .action((path: string, options: { capacity?: number; json?: boolean }) => {
      const csv = parseArenaCsv(readText(path, 'the intervals'), path);
      const started = performance.now();
      const placement = placeArena(csv, options.capacity === undefined ? {} : { capacity: options.capacity });
      const seconds = (performance.now() - started) / 1000;
      if (options.capacity !== undefined) requireCapacity(path, placement, options.capacity);
      printOutput(formatArenaResult(csv, placement, { json: options.json === true, seconds }));
    });
}
