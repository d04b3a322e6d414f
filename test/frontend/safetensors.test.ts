import { describe, expect, it } from 'vitest';
import { readSafetensors, writeSafetensors } from '../../src/frontend/safetensors.ts';
import type { Tensor } from '../../src/ir/graph.ts';
import { floats, integers } from './onnx-models.ts';

const flags: Tensor = { type: { dtype: 'bool', shape: [3] }, data: [1, 0, 1] };
const tensors = new Map<string, Tensor>([
  ['layer.weight', floats([2, 2], 1, 2, 3, 4)],
  ['ids', integers(-1, 5)],
  ['flags', flags],
  ['a "quoted" name / with slashes', floats([], 7)],
]);

function withHeader(text: string, data = new Uint8Array(0)): Uint8Array {
  const header = new TextEncoder().encode(text);
  const bytes = new Uint8Array(8 + header.length + data.length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(header.length), true);
  bytes.set(header, 8);
  bytes.set(data, 8 + header.length);
  return bytes;
}

describe('safetensors', () => {
  it('come back as they were written', () => {
    const back = readSafetensors(writeSafetensors(tensors));
    expect([...back.keys()].sort()).toEqual([...tensors.keys()].sort());
    for (const [name, { type, data }] of tensors) {
      expect(back.get(name)!.type).toEqual(type);
      expect([...back.get(name)!.data]).toEqual([...data]);
    }
  });

  it('are the same bytes whatever the order of the tensors', () => {
    expect(writeSafetensors(new Map([...tensors].reverse()))).toEqual(writeSafetensors(tensors));
  });

  it('hold an empty set and tensors without elements', () => {
    expect(readSafetensors(writeSafetensors(new Map())).size).toBe(0);
    const back = readSafetensors(writeSafetensors(new Map([['none', floats([0, 3])]])));
    expect(back.get('none')!.type.shape).toEqual([0, 3]);
  });

  it('may carry metadata', () => {
    expect(readSafetensors(withHeader('{"__metadata__":{"format":"pt"}}')).size).toBe(0);
  });

  it.each([
    ['of seven bytes', new Uint8Array(7), 'header'],
    ['whose header runs past the end', writeSafetensors(tensors).subarray(0, 40), 'runs past the end'],
    ['whose data is cut short', writeSafetensors(tensors).subarray(0, -1), 'ends at byte'],
    ['whose header is no JSON', withHeader('not json'), 'not JSON'],
    ['whose header is a list', withHeader('[]'), 'not an object'],
    ['with a negative offset', withHeader('{"a":{"dtype":"F32","shape":[],"data_offsets":[-4,0]}}'), 'lacks a valid'],
    [
      'with a byte more than its type takes',
      withHeader('{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,9]}}', new Uint8Array(9)),
      'has 9 bytes, but F32[2] takes 8',
    ],
    [
      "with another tensor's bytes among its own",
      withHeader(
        '{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}}',
        new Uint8Array(4),
      ),
      'has 4 bytes, but U8[2] takes 2',
    ],
    [
      'with bytes that no tensor has',
      withHeader('{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}', new Uint8Array(9)),
      'has 1 bytes after its last tensor',
    ],
    [
      'with the wrong length',
      withHeader('{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}', new Uint8Array(4)),
      'has 4 bytes',
    ],
    [
      'of an unknown type',
      withHeader('{"a":{"dtype":"F8_E4M3","shape":[1],"data_offsets":[0,1]}}', new Uint8Array(1)),
      'F8_E4M3',
    ],
  ])('are refused: a file %s', (_, bytes, message) => {
    expect(() => readSafetensors(bytes)).toThrow(message);
  });
});
