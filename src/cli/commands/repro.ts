/** `sublinear repro FILE`: runs again what ended with exit code 70, and tells whether it still does. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { readText } from '../../files/read-file.ts';
import { withoutWriting } from '../../files/write-file.ts';
import { writeSafetensors } from '../../frontend/safetensors.ts';
import { SublinearError } from '../../ir/diagnostic.ts';
import { printable } from '../../ir/printable.ts';
import { graphPlaceholder, parseReproducer, type Reproducer } from '../reproducer.ts';

/** Runs a command line. Returns its exit code. */
export type RunAgain = (argv: readonly string[]) => Promise<number>;

/** `end` is told the exit code: that of what ran again, so 70 if it still fails. */
export function addReproCommand(program: Command, runAgain: RunAgain, end: (exitCode: number) => void): void {
  program
    .command('repro')
    .summary('run an internal failure again')
    .description(
      'Runs again what left FILE, a reproducer, and writes no other file. Exits as that does: with 70 if it still fails.',
    )
    .argument('<FILE>')
    .action(async (path: string) => {
      const reproducer = parseReproducer(readText(path, 'the reproducer'));
      const code = await inItsPlace(reproducer, (argv) => {
        if (argv[0] === 'repro')
          throw new SublinearError({ code: 'not-a-reproducer', message: `${path} only runs a reproducer again` });
        process.stderr.write(`running again: ${printable(['sublinear', ...argv].join(' '))}\n`);
        return withoutWriting(() => runAgain(argv));
      });
      process.stderr.write(code === 70 ? 'it still fails\n' : `it does not fail so any more: exit code ${code}\n`);
      end(code);
    });
}

/** In the folder that its paths are relative to, with its graph, if it has one, in a private file. */
async function inItsPlace(
  { argv, folder, graph }: Reproducer,
  run: (argv: readonly string[]) => Promise<number>,
): Promise<number> {
  const home = process.cwd();
  const place = graph === undefined ? undefined : mkdtempSync(join(tmpdir(), 'sublinear-repro-'));
  try {
    // A graph may come from another machine; without one the folder is needed.
    if (graph === undefined || existsSync(folder)) process.chdir(folder);
    if (place === undefined || graph === undefined) return await run(argv);
    const file = join(place, 'graph.ir');
    writeFileSync(file, graph.text);
    if (graph.weights.size > 0) writeFileSync(join(place, 'graph.safetensors'), writeSafetensors(graph.weights));
    return await run(argv.map((word) => (word === graphPlaceholder ? file : word)));
  } finally {
    process.chdir(home);
    if (place !== undefined) rmSync(place, { recursive: true, force: true });
  }
}
