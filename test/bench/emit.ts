/** Emission of TypeScript at scale: seconds to write a step of many nodes, and to type-check what was written. */
import { formatTable } from '../../src/cli/format.ts';
import { checkEmitted } from '../../src/codegen/emit/check-emitted.ts';
import { emitTypeScript } from '../../src/codegen/emit/emit-typescript.ts';
import { compile } from '../../src/compile.ts';
import { tanhChain } from '../large-models.ts';

export function emitTable(): string {
  const rows = [['nodes', 'lines', 'functions', 'emit s', 'type-check s']];
  for (const layers of [700, 7_000]) {
    const model = tanhChain(layers);
    const compiled = compile(model, { losses: model.losses, strategy: 'memory' });
    const started = performance.now();
    const text = emitTypeScript(compiled);
    const emitted = performance.now();
    const faults = checkEmitted(text);
    if (faults.length > 0) throw new Error(faults[0]);
    rows.push([
      String(compiled.figures.nodes),
      String(text.split('\n').length),
      String(text.match(/^function /gm)?.length ?? 0),
      ((emitted - started) / 1000).toFixed(2),
      ((performance.now() - emitted) / 1000).toFixed(2),
    ]);
  }
  return formatTable(rows);
}
