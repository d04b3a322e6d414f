/**
 * Stage functions as text: one kernel call a line. Lists of numbers (extents, strides) become constants of the module,
 * so that a run allocates nothing; equal lists are one constant.
 */
import type { KernelArgument } from '../../../runtime/program.ts';
import type { KernelChoice } from './choose-kernels.ts';
import { uniqueIdentifier } from './identifiers.ts';
import { layOutNumbers, lineWidth } from './layout.ts';
import { escapeComment, inComment } from './quote.ts';
import type { Stage, StageLine } from './stages.ts';

/** Short lists of plain numbers are named after their contents; the others are numbered. */
const nameable = 4;

export interface ListTable {
  readonly nameOf: (list: readonly number[]) => string;
  /** Declarations, in order of first use. */
  readonly declarations: () => readonly string[];
}

export function listTable(taken: Set<string>): ListTable {
  const names = new Map<string, string>();
  const declarations: string[] = [];
  let numbered = 0;
  return {
    nameOf(list) {
      const text = list.map(printNumber);
      const key = text.join();
      const known = names.get(key);
      if (known !== undefined) return known;
      const plain = list.length <= nameable && text.every((number) => /^\d{1,9}$/.test(number));
      const base = list.length === 0 ? 'none' : plain ? `list_${text.join('_')}` : `list${++numbered}`;
      const name = uniqueIdentifier(base, taken);
      names.set(key, name);
      declarations.push(layOutNumbers('', `const ${name}: readonly number[] = [`, text, '];'));
      return name;
    },
    declarations: () => declarations,
  };
}

/** A literal of exactly this number. */
export function printNumber(value: number): string {
  if (Object.is(value, -0)) return '-0';
  if (Number.isNaN(value)) return 'Number.NaN';
  if (value === Number.POSITIVE_INFINITY) return 'Number.POSITIVE_INFINITY';
  if (value === Number.NEGATIVE_INFINITY) return 'Number.NEGATIVE_INFINITY';
  return String(value);
}

/** A stage's parameters: the memory, and the bound kernels where it calls some. */
export type StageParameters = readonly ('m' | 'k')[];

export function stageParameters(stage: Stage, { bound }: KernelChoice): StageParameters {
  return stage.lines.some(({ call }) => call !== undefined && bound.has(call.kernel.name)) ? ['m', 'k'] : ['m'];
}

const parameterTypes = { m: 'Memory', k: 'Kernels' } as const;

/** The first line of a function of stages. */
export function stageHead(name: string, parameters: StageParameters): string {
  return `function ${name}(${parameters.map((parameter) => `${parameter}: ${parameterTypes[parameter]}`).join(', ')}): void {`;
}

/** `names`: the name in the module of each kernel that is a function of it. */
export function printStage(
  stage: Stage,
  lists: ListTable,
  choice: KernelChoice,
  names: ReadonlyMap<string, string>,
): string {
  const callee = (kernel: string): string => (choice.bound.has(kernel) ? `k.${kernel}` : (names.get(kernel) ?? kernel));
  const argument = (value: KernelArgument): string =>
    typeof value === 'number' ? printNumber(value) : lists.nameOf(value);
  const lines = stage.lines.map((line) => {
    const comment = commentOf(line);
    if (line.call === undefined) return `  // ${comment}`;
    const call = `  ${callee(line.call.kernel.name)}(${['m', ...line.call.args.map(argument)].join(', ')});`;
    if (comment === '') return call;
    const together = `${call} // ${comment}`;
    return together.length <= lineWidth ? together : `  // ${comment}\n${call}`;
  });
  return `/** ${stage.summary} */\n${stageHead(stage.name, stageParameters(stage, choice))}\n${lines.join('\n')}\n}`;
}

/** Names and types of the results, and what is special about the step. */
function commentOf({ step, call, first }: StageLine): string {
  if (!first) return '';
  const marks = [
    ...(call === undefined ? [`a view (${step.op})`] : []),
    ...(step.recompute !== undefined ? [`recomputes ${inComment(step.recompute)}`] : []),
    ...(step.region === 'update' ? ['update'] : []),
  ];
  // A name that begins like a directive to a compiler must not be read as one.
  const results = escapeComment(step.comment).replace(/^(?=[@#\s])/, '- ');
  return [results, ...marks].join('; ');
}
