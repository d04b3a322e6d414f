/** Every op that may run in place, with operands that share storage in every way. */
import { describe, expect, it } from 'vitest';
import { ops } from '../../src/ops/table.ts';
import { checkInPlace } from './in-place-check.ts';

const inPlaceOps = [...ops].filter(([, op]) => op.inPlace !== undefined);
const reports = new Map(inPlaceOps.map(([name, op]) => [name, checkInPlace(op)]));

describe.each(inPlaceOps)('%s in place', (name, op) => {
  const { faults, taken, tried } = reports.get(name)!;
  const donors = [...new Set(op.inPlace!.flat())];

  it('gives what it gives apart, however its operands share storage', () => {
    expect(faults.slice(0, 5)).toEqual([]);
  });

  it('takes over every operand that it lists, at the start of its storage alone', () => {
    const expected = donors.flatMap((donor) => [`apart ${donor}`, `begins ${donor}`]);
    expect([...taken]).toEqual(expect.arrayContaining(expected));
    expect([...tried]).toEqual(expect.arrayContaining(donors.map((donor) => `inside ${donor}`)));
  });

  it('lets those operands alone lie there too that it says may, and exactly there', () => {
    const pairs = donors.flatMap((donor) =>
      (op.mayAlias ?? []).filter((other) => other !== donor).map((other) => `alias ${donor} ${other}`),
    );
    expect([...taken].filter((name) => name.startsWith('alias')).sort()).toEqual(pairs.sort());
    expect([...taken].filter((name) => /^(inside|start|end|within|shifted)/.test(name))).toEqual([]);
  });
});

describe('the check of calls in place', () => {
  it('tries a scatter of a value into itself, and class weights that are a part of the logits', () => {
    for (const name of ['scatter_elements', 'scatter_nd']) expect([...reports.get(name)!.tried]).toContain('same 0 2');
    expect([...reports.get('softmax_cross_entropy_grad')!.tried]).toContain('start 1 3');
  });

  it('tries every op with operands that could be given twice', () => {
    const untried = inPlaceOps.filter(
      ([name, op]) =>
        op.examples.some(({ operands }) => operands.length > 1) &&
        ![...reports.get(name)!.tried].some((arrangement) => arrangement.startsWith('alias')),
    );
    // The others that these read are integers.
    expect(untried.map(([name]) => name).sort()).toEqual([
      'bernoulli',
      'dropout',
      'scatter_elements_replaced_grad',
      'scatter_nd_replaced_grad',
    ]);
  });
});
