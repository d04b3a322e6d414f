/** The files of `--emit ts`: the module, and its numbers beside it. */
import type { Compiled } from '../../compile.ts';
import { writeSafetensors } from '../../frontend/safetensors.ts';
import { SublinearError } from '../../ir/diagnostic.ts';
import { residents } from '../../ir/graph.ts';
import { checkEmitted } from './check-emitted.ts';
import { type EmitTypeScriptOptions, emitTypeScript } from './emit-typescript.ts';

export interface EmittedFilesOptions extends EmitTypeScriptOptions {
  /** Type-check the module before it is handed out. */
  readonly check?: boolean;
}

/** `step.ts`, and `step.safetensors` where the model has numbers. Throws `SublinearError`. */
export function emitTypeScriptFiles(
  compiled: Compiled,
  options: EmittedFilesOptions = {},
): ReadonlyMap<string, string | Uint8Array> {
  const text = emitTypeScript(compiled, options);
  if (options.check === true) {
    const faults = checkEmitted(text);
    if (faults.length > 0)
      throw new SublinearError(
        faults.slice(0, 5).map((fault) => ({
          code: 'emitted-type-error',
          message: `the emitted module does not type-check: line ${fault}`,
          hint: 'this is a bug of sublinear; please report it with the model',
        })),
        70,
      );
  }
  const files = new Map<string, string | Uint8Array>([['step.ts', text]]);
  const weights = new Map(
    residents(compiled.graph).flatMap((value) => {
      const tensor = compiled.weights.get(value.name);
      return tensor === undefined ? [] : [[value.name, tensor] as const];
    }),
  );
  if (weights.size > 0) files.set('step.safetensors', writeSafetensors(weights));
  return files;
}
