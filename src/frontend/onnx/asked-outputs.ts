/** Which outputs of a file leave the step: all that can be computed, or an error where one was asked for. */
import type { ValueInfoProto } from 'onnx-buf';
import { type Diagnostic, nearestName, SublinearError } from '../../ir/diagnostic.ts';
import type { DType } from '../../ir/graph.ts';
import { isUnsupported } from './check-graph.ts';
import { dtypeOf } from './element-type.ts';
import type { MissingValues } from './missing-values.ts';

/** An output as the file declares it. */
export interface DeclaredOutput {
  readonly name: string;
  /** Absent where the file does not say, or says a type that is not supported. */
  readonly dtype?: DType;
  /** Absent where the file does not say; an extent that it leaves open is undefined. */
  readonly shape?: readonly (number | undefined)[];
}

type Asked = readonly string[] | ((outputs: readonly DeclaredOutput[]) => readonly string[]) | undefined;

/** Names shown of a list. */
const mostNames = 8;

/**
 * Those of `outputs` that can be computed. A note of those that cannot is added to `notes`. Throws `SublinearError` where
 * one of `asked` cannot be computed, or none can, or where what is wrong is not just that something is not supported.
 */
export function keptOutputs(
  outputs: readonly ValueInfoProto[],
  missing: MissingValues,
  asked: Asked,
  notes: Diagnostic[],
): readonly ValueInfoProto[] {
  const names = typeof asked === 'function' ? asked(outputs.map(declared)) : (asked ?? []);
  for (const name of names) if (!outputs.some((output) => output.name === name)) throw unknownOutput(name, outputs);
  const dropped = outputs.filter(({ name }) => missing.has(name));
  if (dropped.length === 0) return outputs;
  const kept = outputs.filter(({ name }) => !missing.has(name));
  const wanted = kept.length === 0 ? dropped.map(({ name }) => name) : names.filter((name) => missing.has(name));
  const faults = missing.faultsOf(wanted);
  const broken = missing.faultsOf(dropped.map(({ name }) => name)).filter((fault) => !isUnsupported(fault));
  const errors = new Set([...faults, ...broken]);
  if (errors.size > 0) throw new SublinearError(withWayOut([...errors], wanted, kept));
  const byCause = new Map<Diagnostic, string[]>();
  for (const { name } of dropped) {
    const cause = missing.causeOf(name);
    const group = byCause.get(cause) ?? [];
    byCause.set(cause, group);
    group.push(name);
  }
  for (const [cause, group] of byCause) notes.push(droppedNote(group, cause));
  return kept;
}

/** The last error says what the model can do without the outputs that were asked for. */
function withWayOut(
  errors: readonly Diagnostic[],
  wanted: readonly string[],
  kept: readonly ValueInfoProto[],
): readonly Diagnostic[] {
  const [last, ...others] = [...errors].reverse();
  if (last === undefined || kept.length === 0 || wanted.length === 0) return errors;
  const way = `${listed(wanted)} ${wanted.length === 1 ? 'needs' : 'need'} it; ${listed(kept.map(({ name }) => name))} can be computed without: ask for that (--loss KIND:OUTPUT)`;
  return [...others.reverse(), { ...last, hint: last.hint === undefined ? way : `${last.hint}\n        ${way}` }];
}

/** `"a", "b", 7 more`. */
export function listed(names: readonly string[]): string {
  const shown = names.slice(0, mostNames).map((name) => JSON.stringify(name));
  return [...shown, ...(names.length > mostNames ? [`${names.length - mostNames} more`] : [])].join(', ');
}

function droppedNote(names: readonly string[], { message, source }: Diagnostic): Diagnostic {
  return {
    code: 'dropped-output',
    message: `${names.length === 1 ? 'output' : 'outputs'} ${listed(names)} ${names.length === 1 ? 'is' : 'are'} left out: ${message}`,
    ...(source !== undefined && { source }),
  };
}

function declared({ name, type }: ValueInfoProto): DeclaredOutput {
  if (type?.value.case !== 'tensorType') return { name };
  const { elemType, shape } = type.value.value;
  const dtype = dtypeOf(elemType);
  return {
    name,
    ...(dtype !== undefined && { dtype }),
    ...(shape !== undefined && {
      shape: shape.dim.map(({ value }) => (value.case === 'dimValue' ? Number(value.value) : undefined)),
    }),
  };
}

function unknownOutput(name: string, outputs: readonly ValueInfoProto[]): SublinearError {
  const names = outputs.map((output) => output.name);
  const nearest = nearestName(name, names);
  return new SublinearError({
    code: 'unknown-output',
    message: `the model has no output ${JSON.stringify(name)}`,
    hint:
      nearest !== undefined
        ? `did you mean ${JSON.stringify(nearest)}?`
        : `its outputs are ${names
            .slice(0, mostNames)
            .map((output) => JSON.stringify(output))
            .join(', ')}`,
  });
}
