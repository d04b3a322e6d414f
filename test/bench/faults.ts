/**
 * `npm run bench faults`: every planted fault, and the check that catches it. `--list` names them only, `--only TEXT`
 * takes those whose part, file or sentence contains the text.
 */
import { parseArgs } from 'node:util';
import { formatTable } from '../../src/cli/format.ts';
import type { PlantedFault } from '../faults/planted/planted.ts';
import { plantedEdits } from '../faults/planted-edits.ts';
import { runFaults } from '../faults/run-faults.ts';

export async function faultTable(args: readonly string[]): Promise<string> {
  const { values } = parseArgs({ args: [...args], options: { list: { type: 'boolean' }, only: { type: 'string' } } });
  const { only = '' } = values;
  const chosen = plantedEdits.filter((fault) =>
    [fault.part, fault.file, fault.what].some((text) => text.includes(only)),
  );
  if (values.list === true) return formatTable(chosen.map(({ part, file, what }) => [`${part}: ${what}`, file]));
  const outcomes = await runFaults(chosen, ({ fault, caughtBy }) => {
    console.log(`${fault.part}: ${fault.what} (${fault.file})\n    ${caughtBy ?? 'NOT CAUGHT'}`);
  });
  const caught = new Set(outcomes.filter(({ caughtBy }) => caughtBy !== undefined).map(({ fault }) => fault));
  return `${summary(chosen, caught)}\n${caught.size} of ${chosen.length} caught`;
}

/** Planted and caught, by part. */
function summary(planted: readonly PlantedFault[], caught: ReadonlySet<PlantedFault>): string {
  const parts = [...new Set(planted.map(({ part }) => part))];
  const rows = parts.map((part) => {
    const own = planted.filter((fault) => fault.part === part);
    return [part, String(own.length), String(own.filter((fault) => caught.has(fault)).length)];
  });
  return formatTable([['part', 'planted', 'caught'], ...rows]);
}
