/** What a user should know of the choice of parameters: constants among them, and what a list left out. */
import type { Diagnostic } from '../ir/diagnostic.ts';
import type { GradientChoice, GradientSelection } from './select-gradients.ts';

/** Names shown before the rest is counted. */
const shown = 4;

export function selectionNotes(
  choices: readonly GradientChoice[],
  { trainOnly }: GradientSelection,
): readonly Diagnostic[] {
  const notes: Diagnostic[] = [];
  const names = (some: readonly GradientChoice[]): readonly string[] => some.map(({ value }) => value.name);
  if (trainOnly !== undefined) {
    const trained = names(choices.filter((choice) => choice.trainable));
    notes.push({
      code: 'trained-by-list',
      message: `trained ${trained.length === 1 ? 'is' : 'are'} ${some(trained)}, and nothing else: the list of what is trained says so`,
    });
  }
  const infinite = names(choices.filter((choice) => choice.notFinite === true));
  if (infinite.length > 0)
    notes.push({
      code: 'not-finite-parameters',
      message: `${some(infinite)} ${holds(infinite)} infinite numbers or NaN, as masks do: taken for ${constants(infinite)}, not trained`,
      hint: `--trainable '${infinite[0]}' trains it all the same`,
    });
  // By reason, so that each is said once.
  const suspects = new Map<string, string[]>();
  for (const { value, trainable, suspicion } of choices) {
    if (!trainable || suspicion === undefined) continue;
    const own = suspects.get(suspicion) ?? [];
    suspects.set(suspicion, own);
    own.push(value.name);
  }
  for (const [suspicion, own] of suspects)
    notes.push({
      code: 'suspected-constants',
      message: `${some(own)} ${own.length === 1 ? '' : 'each '}${suspicion}; trained all the same`,
      hint: `--freeze '${own[0]}' leaves it as it is; --trainable '${own[0]}' says that it is a weight`,
    });
  return notes;
}

const holds = (names: readonly string[]): string => (names.length === 1 ? 'holds' : 'hold');
const constants = (names: readonly string[]): string => (names.length === 1 ? 'a constant' : 'constants');

/** `"a", "b" and 3 more` */
function some(names: readonly string[]): string {
  const quoted = names.slice(0, shown).map((name) => JSON.stringify(name));
  if (names.length > shown) return `${quoted.join(', ')} and ${names.length - shown} more`;
  return quoted.length < 2 ? (quoted[0] ?? 'nothing') : `${quoted.slice(0, -1).join(', ')} and ${quoted.at(-1)}`;
}
