/**
 * Einsum: sums of products by index letters. Operands are combined from the left; each combination is one matrix product
 * where letters are summed, and one broadcast product where none is.
 */
import type { Value } from '../../../ir/graph.ts';
import { multiply } from '../../../ops/binary.ts';
import { matmul } from '../../../ops/matmul.ts';
import { reduceSum } from '../../../ops/reduce.ts';
import { slice } from '../../../ops/slice.ts';
import { permuted, product, reshaped } from '../compose.ts';
import type { LoweringContext, OnnxLowering } from '../lowering.ts';

/** A value and the letter of each of its dimensions; dimensions of an ellipsis are counted from its last. */
interface Labelled {
  readonly value: Value;
  readonly letters: readonly string[];
}

/** The letter of the ellipsis dimension `fromLast` places before its end. */
function ellipsisLetter(fromLast: number): string {
  return `…${fromLast}`;
}

/** Letters of one term; `hidden` is the number of dimensions that an ellipsis stands for. */
function lettersOf(c: LoweringContext, term: string, hidden: number): readonly string[] {
  const letters: string[] = [];
  for (let i = 0; i < term.length; ) {
    if (term.startsWith('...', i)) {
      for (let d = hidden - 1; d >= 0; d--) letters.push(ellipsisLetter(d));
      i += 3;
    } else {
      const letter = term[i++]!;
      if (!/[A-Za-z]/.test(letter)) c.fail(`its equation has the character ${JSON.stringify(letter)}`);
      letters.push(letter);
    }
  }
  return letters;
}

interface Equation {
  readonly operands: readonly Labelled[];
  readonly output: readonly string[];
}

function parseEquation(c: LoweringContext): Equation {
  const text = (c.attributes.string('equation') ?? c.fail('its equation is left out')).replace(/\s+/g, '');
  const [left, right] = text.split('->');
  const terms = left!.split(',');
  if (terms.length !== c.operands.length)
    c.fail(`its equation ${JSON.stringify(text)} is for ${terms.length} operands`);
  const operands = terms.map((term, i): Labelled => {
    const value = c.operand(i);
    const rank = value.type.shape.length;
    const named = term.replace('...', '').length;
    if (term.includes('...') ? rank < named : rank !== named)
      c.fail(`the term ${JSON.stringify(term)} does not fit an operand of rank ${rank}`);
    return { value, letters: lettersOf(c, term, rank - named) };
  });
  const counts = new Map<string, number>();
  for (const { letters } of operands) for (const letter of letters) counts.set(letter, (counts.get(letter) ?? 0) + 1);
  const hidden = [...counts.keys()].filter((letter) => letter.length > 1).length;
  if (right !== undefined) {
    const output = lettersOf(c, right, right.includes('...') ? hidden : 0);
    const unknown = output.find((letter) => !counts.has(letter));
    if (unknown !== undefined) c.fail(`its output has the letter ${JSON.stringify(unknown)}, which no operand has`);
    return { operands, output };
  }
  // Without an arrow: the ellipsis, then every letter that occurs once, in order.
  const once = [...counts].filter(([letter, count]) => letter.length === 1 && count === 1).map(([letter]) => letter);
  return { operands, output: [...lettersOf(c, '...', hidden), ...once.sort()] };
}

/** A letter that occurs twice in one operand picks its diagonal. */
function withoutRepeats(c: LoweringContext, { value, letters }: Labelled): Labelled {
  const second = letters.findIndex((letter, d) => letters.indexOf(letter) < d);
  if (second < 0) return { value, letters };
  const first = letters.indexOf(letters[second]!);
  const extent = value.type.shape[first]!;
  if (value.type.shape[second] !== extent) c.fail(`the letter ${letters[first]} stands for different extents`);
  const others = letters.map((_, d) => d).filter((d) => d !== first && d !== second);
  const last = permuted(c, value, [...others, first, second]);
  const outer = last.type.shape.slice(0, -2);
  const flat = reshaped(c, last, [...outer, extent * extent]);
  const diagonal = c.emit(slice, [flat], {
    axes: [outer.length],
    starts: [0],
    ends: [extent * extent],
    steps: [extent + 1],
  });
  return withoutRepeats(c, { value: diagonal, letters: [...others.map((d) => letters[d]!), letters[first]!] });
}

/** Sums over the letters that nothing else has. */
function summed(c: LoweringContext, { value, letters }: Labelled, keep: (letter: string) => boolean): Labelled {
  const axes = letters.flatMap((letter, d) => (keep(letter) ? [] : [d]));
  if (axes.length === 0) return { value, letters };
  return { value: c.emit(reduceSum, [value], { axes, keep_dims: false }), letters: letters.filter(keep) };
}

/** The dimensions of `operand` in the order of `letters`, with extents of 1 for those it lacks. */
function aligned(c: LoweringContext, { value, letters }: Labelled, order: readonly string[]): Value {
  const present = order.filter((letter) => letters.includes(letter));
  const moved = permuted(
    c,
    value,
    present.map((letter) => letters.indexOf(letter)),
  );
  return reshaped(
    c,
    moved,
    order.map((letter) => (letters.includes(letter) ? value.type.shape[letters.indexOf(letter)]! : 1)),
  );
}

function combined(c: LoweringContext, a: Labelled, b: Labelled, keep: (letter: string) => boolean): Labelled {
  const shared = a.letters.filter((letter) => b.letters.includes(letter));
  const batch = shared.filter(keep);
  const inner = shared.filter((letter) => !keep(letter));
  const onlyA = a.letters.filter((letter) => !b.letters.includes(letter));
  const onlyB = b.letters.filter((letter) => !a.letters.includes(letter));
  const letters = [...batch, ...onlyA, ...onlyB];
  if (inner.length === 0)
    return { value: c.emit(multiply, [aligned(c, a, letters), aligned(c, b, letters)], {}), letters };
  const extents = ({ value, letters: own }: Labelled, list: readonly string[]): readonly number[] =>
    list.map((letter) => value.type.shape[own.indexOf(letter)]!);
  const summedExtents = extents(a, inner);
  const unequal = extents(b, inner).findIndex((extent, i) => extent !== summedExtents[i]);
  if (unequal >= 0) c.fail(`the letter ${inner[unequal]} stands for different extents`);
  const depth = product(summedExtents);
  const rows = reshaped(c, aligned(c, a, [...batch, ...onlyA, ...inner]), [
    ...extents(a, batch),
    product(extents(a, onlyA)),
    depth,
  ]);
  const columns = reshaped(c, aligned(c, b, [...batch, ...onlyB, ...inner]), [
    ...extents(b, batch),
    product(extents(b, onlyB)),
    depth,
  ]);
  const result = c.emit(matmul, [rows, columns], { transpose_a: false, transpose_b: true });
  const outer = result.type.shape.slice(0, batch.length);
  return { value: reshaped(c, result, [...outer, ...extents(a, onlyA), ...extents(b, onlyB)]), letters };
}

function lowerEinsum(c: LoweringContext): Value {
  const { operands, output } = parseEquation(c);
  if (new Set(output).size < output.length) c.fail('its output has a letter twice');
  const [first, ...rest] = operands.map((operand) => withoutRepeats(c, operand));
  let all = first!;
  rest.forEach((next, i) => {
    const later = new Set([...output, ...rest.slice(i + 1).flatMap((operand) => operand.letters)]);
    const needed = (other: Labelled) => (letter: string) => later.has(letter) || other.letters.includes(letter);
    all = combined(c, summed(c, all, needed(next)), summed(c, next, needed(all)), (letter) => later.has(letter));
  });
  return aligned(
    c,
    summed(c, all, (letter) => output.includes(letter)),
    output,
  );
}

export const einsumLowerings: readonly OnnxLowering[] = [
  { onnx: 'Einsum', since: 12, gradient: true, lower: (c) => [lowerEinsum(c)] },
];
