/** Faults in how threads share calls. */
import { inFile, type PlantedFault } from './planted.ts';

const splits = 'runtime/threads/splits';

export const threadFaults: readonly PlantedFault[] = [
  ...inFile(
    'thread splits',
    'runtime/threads/split.ts',
    [splits, 'runtime/threads/steps'],
    [
      ['an operand that is not there moves', 'offset < 0 ? offset : offset + bytes', 'offset + bytes'],
      ['the last part ends at a multiple of its unit', 'part === parts ? count :', 'part === parts ? units * unit :'],
    ],
  ),
  ...inFile(
    'thread splits',
    'runtime/threads/split-rows.ts',
    [splits],
    [
      [
        'statistics of a group begin at the same place in every part',
        'const at = element * start * groups;',
        'const at = 0 * groups;',
      ],
      [
        'pooled planes begin where those of the image do',
        'args(element * start * input, element * start * result,',
        'args(element * start * input, element * start * input,',
      ],
      [
        'layer norm of a part writes over the first rows',
        '[x + bytes, scale, bias, y + bytes, mean + at, invStd + at, count, width, epsilon]',
        '[x + bytes, scale, bias, y, mean + at, invStd + at, count, width, epsilon]',
      ],
    ],
  ),
  ...inFile(
    'thread splits',
    'runtime/threads/split-products.ts',
    [splits],
    [
      ['the bias of a part is that of the first rows', 'row * biasRow + column * biasColumn', 'column * biasColumn'],
      [
        'columns of a product are written at the first',
        '(batch * rows + row) * columns + column)',
        '(batch * rows + row) * columns)',
      ],
      ['images of a part read the filters of the first', 'w: start * each * taps(g),', 'w: 0,'],
    ],
  ),
  ...inFile(
    'thread splits',
    'runtime/threads/split-elements.ts',
    [splits],
    [
      [
        'parts of a sum read the first elements of b',
        '[a + bytes, b + bytes, out + bytes, length, ...rest]',
        '[a + bytes, b, out + bytes, length, ...rest]',
      ],
    ],
  ),
];
