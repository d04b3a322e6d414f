/** Faults in readers and writers. */
import { inFile, type PlantedFault } from './planted.ts';

export const fileFaults: readonly PlantedFault[] = [
  ...inFile(
    'readers and writers',
    'src/frontend/safetensors.ts',
    ['frontend/safetensors', 'frontend/robustness'],
    [
      ['surplus bytes are taken', 'if (end < data.length) throw', 'if (end < 0) throw'],
      ['a tensor may have fewer bytes than its type', 'if (end - begin !== expected)', 'if (end - begin > expected)'],
      ['tensors stand in the order given', '.sort(([a], [b]) => (a < b ? -1 : 1))', ''],
    ],
  ),
  ...inFile(
    'readers and writers',
    'src/frontend/npy.ts',
    ['frontend/npy', 'frontend/robustness'],
    [
      ['Fortran order is read as C', "if (order[1] === 'True' &&", "if (order[1] === 'Never' &&"],
      ['big-endian numbers are read as they are', "if (descr[1] === '>' &&", "if (descr[1] === '!' &&"],
    ],
  ),
  ...inFile(
    'readers and writers',
    'src/frontend/raw-elements.ts',
    ['frontend/raw-elements'],
    [
      ['subnormal half floats are twice as large', 'fraction * 2 ** -24', 'fraction * 2 ** -23'],
      [
        'an infinite half float is a NaN',
        'fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN',
        'Number.NaN',
      ],
      [
        'a bool of 2 stays 2',
        'return new Uint8Array(buffer).map((x) => (x === 0 ? 0 : 1));',
        'return new Uint8Array(buffer);',
      ],
    ],
  ),
  ...inFile(
    'readers and writers',
    'src/frontend/tensor-proto.ts',
    ['frontend/tensor-proto', 'frontend/robustness'],
    [
      [
        'raw data of any length are taken',
        'if (raw !== undefined && raw.length !== count * size)',
        'if (raw !== undefined && raw.length < 0)',
      ],
      ['negative extents are taken', 'if (shape.some((extent) => extent < 0)) throw', 'if (false) throw'],
    ],
  ),
  ...inFile(
    'readers and writers',
    'src/ir/glob.ts',
    ['ir/glob', 'analysis/select-gradients'],
    [['a glob matches a beginning', 'return at === glob.length;', 'return at <= glob.length;']],
  ),
];
