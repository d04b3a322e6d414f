/**
 * Cuts a program into the stage functions of an emitted module: forward, each backward segment (what it recomputes,
 * then the gradients that wait for it), update.
 *
 * TypeScript's flow analysis is quadratic in the statements of a function (50 s for 20,000), so none has more than
 * `stageLimit` of them.
 */
import type { KernelCall, ProgramStep } from '../../../runtime/program.ts';

/** Most kernel calls in one stage function. */
export const stageLimit = 200;

/** Shorter segments are joined with the next: a function for two lines would hide the order more than show it. */
const shortest = 8;

export interface Stage {
  /** `forward2`, `backward`, `update`. */
  readonly name: string;
  /** What it does, as a sentence. */
  readonly summary: string;
  readonly lines: readonly StageLine[];
}

/** One kernel call of a step; a view has one line without a call. */
export interface StageLine {
  readonly step: ProgramStep;
  readonly call: KernelCall | undefined;
  /** Whether it is the step's first. */
  readonly first: boolean;
}

interface Section {
  readonly kind: 'forward' | 'backward' | 'update';
  readonly steps: readonly ProgramStep[];
}

export function stagesOf(steps: readonly ProgramStep[]): readonly Stage[] {
  const sections = sectionsOf(steps);
  const segments = sections.filter((section) => section.kind === 'backward').length;
  const parts = sections.map((section) => splitEvenly(section.steps));
  const totals = { forward: 0, backward: 0, update: 0 };
  sections.forEach((section, i) => {
    totals[section.kind] += parts[i]!.length;
  });
  const counts = { forward: 0, backward: 0, update: 0 };
  let segment = 0;
  return sections.flatMap(({ kind }, i) => {
    if (kind === 'backward') segment++;
    return parts[i]!.map((own, part): Stage => {
      const number = ++counts[kind];
      const title =
        kind === 'backward' && segments > 1
          ? `Backward, segment ${segment} of ${segments}`
          : { forward: 'Forward', backward: 'Backward', update: 'Update' }[kind];
      const share = parts[i]!.length > 1 ? `, part ${part + 1} of ${parts[i]!.length}` : '';
      return {
        name: totals[kind] > 1 ? `${kind}${number}` : kind,
        summary: `${title}${share}${describe(own)}.`,
        lines: own,
      };
    });
  });
}

function describe(lines: readonly StageLine[]): string {
  const steps = lines.filter((line) => line.first).map((line) => line.step);
  const recomputed = steps.filter((step) => step.recompute !== undefined).length;
  const gradients = steps.filter((step) => step.recompute === undefined && step.region === 'backward').length;
  const updates = steps.filter((step) => step.recompute === undefined && step.region === 'update').length;
  const said = [
    ...(recomputed > 0 ? [`${recomputed} recomputed`] : []),
    ...(gradients > 0 ? [`${gradients} of the gradients`] : []),
    ...(updates > 0 ? [`${updates} of the updates`] : []),
  ];
  return said.length < 2 ? '' : `: ${said.join(', ')}`;
}

/** Backward begins with the first gradient or recomputation; a new segment with each run of recomputations. */
function sectionsOf(steps: readonly ProgramStep[]): readonly Section[] {
  const first = steps.findIndex((step) => step.region === 'backward' || step.recompute !== undefined);
  let end = steps.length;
  while (end > 0 && steps[end - 1]!.region === 'update' && steps[end - 1]!.recompute === undefined) end--;
  const begin = first < 0 ? end : first;
  const sections: Section[] = [];
  if (begin > 0) sections.push({ kind: 'forward', steps: steps.slice(0, begin) });
  let start = begin;
  for (let i = begin + 1; i <= end; i++) {
    const starts = i < end && steps[i]!.recompute !== undefined && steps[i - 1]!.recompute === undefined;
    if (i < end && !(starts && i - start >= shortest)) continue;
    sections.push({ kind: 'backward', steps: steps.slice(start, i) });
    start = i;
  }
  if (end < steps.length) sections.push({ kind: 'update', steps: steps.slice(end) });
  return sections;
}

/** Parts of at most `stageLimit` calls, about equally long. */
function splitEvenly(steps: readonly ProgramStep[]): readonly (readonly StageLine[])[] {
  const lines = steps.flatMap((step): readonly StageLine[] =>
    step.calls.length === 0
      ? [{ step, call: undefined, first: true }]
      : step.calls.map((call, i) => ({ step, call, first: i === 0 })),
  );
  const calls = lines.filter((line) => line.call !== undefined).length;
  const wanted = Math.ceil(calls / Math.ceil(calls / stageLimit));
  const parts: StageLine[][] = [[]];
  let count = 0;
  for (const line of lines) {
    if (line.call !== undefined && count === wanted) {
      parts.push([]);
      count = 0;
    }
    if (line.call !== undefined) count++;
    parts.at(-1)!.push(line);
  }
  return parts;
}
