/** Which outputs of an ONNX file a command asks for; others may be left out where they cannot be computed. */
import type { DeclaredOutput } from '../frontend/onnx/asked-outputs.ts';

/** `cotangents`: numbers of the outputs that gradients are given for; they count where no loss is named. */
export function askedOutputs(
  outputs: readonly DeclaredOutput[],
  loss: string | undefined,
  cotangents: readonly number[],
): readonly string[] {
  const names = outputs.map(({ name }) => name);
  if (loss !== undefined) {
    const named = [loss, loss.slice(loss.indexOf(':') + 1)].filter((name) => names.includes(name));
    // The loss may be of a value within the model, which needs no output.
    if (named.length === 0 && loss.includes(':')) return [];
    // A kind of loss alone is one of the first output of floats: no other one may take its place.
    return named.length > 0
      ? named.slice(0, 1)
      : outputs
          .filter(mayBeFloat)
          .slice(0, 1)
          .map(({ name }) => name);
  }
  // They are numbered as the file's outputs are: none before them may be left out either.
  if (cotangents.length > 0) return names.slice(0, Math.max(...cotangents) + 1);
  return names.includes('loss') ? ['loss'] : outputs.filter(isScalar).map(({ name }) => name);
}

const mayBeFloat = ({ dtype }: DeclaredOutput): boolean => dtype === undefined || dtype === 'f32';

const isScalar = ({ dtype, shape }: DeclaredOutput): boolean =>
  dtype === 'f32' && shape !== undefined && shape.every((extent) => extent === 1);
