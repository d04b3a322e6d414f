import { describe, expect, it } from 'vitest';
import { listedOperators, operatorTable } from '../../../src/frontend/onnx/operator-table.ts';
import { onnxOperators } from '../../../src/frontend/onnx/operators.ts';

describe('operatorTable', () => {
  const table = operatorTable();
  const rows = table.split('\n').slice(2, -1);

  it('has every operator once', () => {
    const named = rows.flatMap((row) => [...row.split('|')[1]!.matchAll(/`([^`]+)`/g)].map(([, name]) => name!));
    const short = (name: string): string => name.replace('ai.onnx.preview.training.', '');
    expect(named.sort()).toEqual([...onnxOperators.map(({ onnx }) => short(onnx)), 'Gradient'].sort());
    expect(listedOperators().length).toBe(named.length);
  });

  it('says opsets, gradient and limits of each', () => {
    const rowOf = (name: string): string => rows.find((row) => row.includes(`\`${name}\``))!;
    expect(rowOf('Relu')).toMatch(/^\| .*`Relu`.* \| 1 to 27 \| yes \| {2}\|$/);
    expect(rowOf('Gelu')).toMatch(/ \| 20 to 27 \| yes \| {2}\|$/);
    expect(rowOf('ArgMax')).toMatch(/ \| 1 to 27 \| no \| {2}\|$/);
    expect(rowOf('Conv')).toBe('| `Conv` | 1 to 27 | yes | 1 to 3 spatial dimensions |');
    expect(rowOf('Adam')).toContain('| training 1 |');
    expect(rowOf('com.microsoft.BiasGelu')).toContain('| com.microsoft 1 |');
  });
});
