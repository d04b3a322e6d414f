/** Dead-function elimination: on modules assembled by hand, and on the kernels. */
import { beforeAll, describe, expect, it } from 'vitest';
import { kernelsWasm } from '../../../runtime/wasm/kernels.generated.ts';
import { shakeModule } from '../../../src/codegen/wasm/shake-module.ts';

type Bytes = readonly number[];

const i32 = 0x7f;
const end = 0x0b;
const drop = 0x1a;

/** Unsigned LEB128. */
const leb = (value: number): Bytes => (value < 128 ? [value] : [(value & 127) | 128, ...leb(value >> 7)]);
const sized = (bytes: Bytes): Bytes => [...leb(bytes.length), ...bytes];
const named = (name: string): Bytes => sized([...new TextEncoder().encode(name)]);

const section = (id: number, ...entries: readonly Bytes[]): Bytes => [
  id,
  ...sized([...leb(entries.length), ...entries.flat()]),
];
const types = (...all: readonly Bytes[]): Bytes => section(1, ...all);
const functions = (...typeIndices: Bytes): Bytes => section(3, ...typeIndices.map(leb));
const globals = (...values: Bytes): Bytes => section(6, ...values.map((value) => [i32, 1, 0x41, value, end]));
const exported = (name: string, index: number): Bytes => [...named(name), 0, ...leb(index)];
const codes = (...bodies: readonly Bytes[]): Bytes => section(10, ...bodies.map((body) => sized([0, ...body, end])));
const module = (...sections: readonly Bytes[]): Uint8Array<ArrayBuffer> =>
  Uint8Array.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, ...sections.flat()]);

const noResult = [0x60, 0, 0];
const oneResult = [0x60, 0, 1, i32];
const oneToOne = [0x60, 1, i32, 1, i32];
const memoryImport = section(2, [...named('env'), ...named('memory'), 2, 0, 1]);

/** Shakes, and calls `name` of what is left. */
function callShaken(bytes: Uint8Array, name: string): unknown {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const own = new WebAssembly.Module(Uint8Array.from(shakeModule(bytes, [name])));
  const { exports } = new WebAssembly.Instance(own, { env: { memory } });
  const found = exports[name];
  return typeof found === 'function' ? found() : undefined;
}

// 0 is dead and calls 2; 1 is a: 40 + helper(2); 2 is dead; 3 is the helper: argument + global 1; 4 is b.
const whole = module(
  types(noResult, oneResult, oneToOne),
  functions(0, 1, 0, 2, 1),
  globals(5, 7),
  section(7, exported('dead', 0), exported('a', 1), exported('b', 4)),
  codes([0x10, 2], [0x41, 40, 0x41, 2, 0x10, 3, 0x6a], [0x41, 1, 0x24, 0], [0x20, 0, 0x23, 1, 0x6a], [0x41, 9]),
);

describe('a module', () => {
  it('keeps what is reached, and numbers it anew', () => {
    const expected = module(
      types(oneResult, oneToOne),
      functions(0, 1),
      globals(7),
      section(7, exported('a', 0)),
      codes([0x41, 40, 0x41, 2, 0x10, 1, 0x6a], [0x20, 0, 0x23, 0, 0x6a]),
    );
    expect([...shakeModule(whole, ['a'])]).toEqual([...expected]);
    expect(callShaken(whole, 'a')).toBe(49);
  });

  it('comes back as it is where everything is asked for', () => {
    expect([...shakeModule(whole, ['dead', 'a', 'b'])]).toEqual([...whole]);
  });

  it('loses its custom sections', () => {
    const withNames = Uint8Array.from([...whole, 0, ...sized(named('name'))]);
    expect([...shakeModule(withNames, ['dead', 'a', 'b'])]).toEqual([...whole]);
  });

  it('keeps what its start function reaches', () => {
    const started = module(
      types(noResult, oneResult),
      functions(1, 0, 1),
      globals(5),
      section(7, exported('a', 0), exported('b', 2)),
      [8, 1, 1],
      codes([0x41, 3], [0x41, 6, 0x24, 0], [0x23, 0]),
    );
    expect(callShaken(started, 'b')).toBe(6);
    expect(WebAssembly.Module.exports(new WebAssembly.Module(Uint8Array.from(shakeModule(started, []))))).toEqual([]);
  });

  it('may have functions whose numbers take two bytes', () => {
    const count = 300;
    const bodies = Array.from({ length: count }, (_, i) => (i === 0 ? [0x10, ...leb(count - 1)] : [0x41, i % 64]));
    const many = module(
      types(oneResult),
      functions(...bodies.map(() => 0)),
      section(7, exported('a', 0)),
      codes(...bodies),
    );
    expect(callShaken(many, 'a')).toBe((count - 1) % 64);
    expect(shakeModule(many, ['a']).length).toBeLessThan(50);
  });
});

const zeros = (count: number): Bytes => Array.from({ length: count }, () => 0x10);
const vector = [0xfd, 0x0c, ...zeros(16)];
const address = [0x41, 0];

describe('instructions', () => {
  // Operands hold bytes of 0x10, which would read as calls if they were not passed over. The stack is left as it was.
  it.each<[string, Bytes]>([
    ['block, br_table', [0x02, 0x40, 0x41, 0, 0x0e, 2, 0, 0, 0, end]],
    ['if with a result, else', [0x41, 1, 0x04, i32, 0x41, 1, 0x05, 0x41, 2, end, drop]],
    ['loop, br_if', [0x03, 0x40, 0x41, 0, 0x0d, 0, end]],
    ['i32.const of two bytes', [0x41, 0x90, 0x10, drop]],
    ['i64.const of ten bytes', [0x42, ...Array.from({ length: 9 }, () => 0x90), 0x7f, drop]],
    ['f32.const, f64.const', [0x43, ...zeros(4), drop, 0x44, ...zeros(8), drop]],
    ['select, of a type too', [0x41, 1, 0x41, 2, 0x41, 0, 0x1b, drop, 0x41, 1, 0x41, 2, 0x41, 0, 0x1c, 1, i32, drop]],
    ['i32.load8_u', [...address, 0x2d, 0, 0x10, drop]],
    ['memory.size', [0x3f, 0, drop]],
    ['memory.fill', [...address, ...address, ...address, 0xfc, 0x0b, 0]],
    ['memory.copy', [...address, ...address, ...address, 0xfc, 0x0a, 0, 0]],
    ['i32.trunc_sat_f32_s', [0x43, ...zeros(4), 0xfc, 0, drop]],
    ['v128.const', [...vector, drop]],
    ['v128.load, v128.store', [...address, ...address, 0xfd, 0, 4, 0x10, 0xfd, 0x0b, 4, 0x10]],
    ['i8x16.shuffle', [...vector, ...vector, 0xfd, 0x0d, ...zeros(16), drop]],
    ['i8x16.extract_lane_s', [...vector, 0xfd, 0x15, 0x0f, drop]],
    ['v128.load32_lane', [...address, ...vector, 0xfd, 0x56, 2, 0x10, 3, drop]],
    ['v128.load32_zero', [...address, 0xfd, 0x5c, 2, 0x10, drop]],
    ['f32x4.add', [...vector, ...vector, 0xfd, 0xe4, 0x01, drop]],
  ])('%s', (_, instructions) => {
    const bytes = module(
      types(oneResult),
      memoryImport,
      functions(0, 0, 0),
      section(7, exported('a', 1)),
      codes([0x41, 1], [...instructions, 0x10, 2], [0x41, 7]),
    );
    expect(WebAssembly.validate(bytes)).toBe(true);
    expect(callShaken(bytes, 'a')).toBe(7);
  });

  it.each<[string, Bytes, string]>([
    ['call_indirect', [0x41, 0, 0x11, 0, 0], '0x11'],
    ['a block of a function type', [0x02, 0, end], '0x02 0'],
    ['memory.init', [0xfc, 8, 0, 0], '0xfc 8'],
    ['a load from a second memory', [0x41, 0, 0x28, 0x42, 1, 0], '0x.. 66'],
    ['relaxed vectors', [0xfd, 0x80, 0x02], '0xfd 256'],
    ['atomic operations', [0xfe, 0x03, 0], '0xfe'],
  ])('refuses %s', (_, instructions, shown) => {
    const bytes = module(types(noResult), functions(0), section(7, exported('a', 0)), codes(instructions));
    expect(() => shakeModule(bytes, ['a'])).toThrow(`the WebAssembly kernels contain the instruction ${shown}, which`);
  });
});

describe('what it refuses', () => {
  it.each<[string, Uint8Array, string]>([
    ['an export that there is not', whole, 'exports no function a2'],
    ['static data', module(section(11)), 'has a section 11'],
    ['imported functions', module(section(2, [...named('env'), ...named('abort'), 0, 0])), 'imports env.abort'],
    ['exported memories', module(section(7, [...named('memory'), 2, 0])), 'exports memory, which is no function'],
    ['globals worked out', module(section(6, [i32, 0, 0x23, 0, end])), 'begins as something else than a constant'],
    ['a module cut short', whole.subarray(0, whole.length - 3), 'ends in the middle of something'],
  ])('%s', (_, bytes, message) => {
    expect(() => shakeModule(bytes, ['a2'])).toThrow(message);
  });
});

describe('the kernels', () => {
  const kernels = Uint8Array.from(Buffer.from(kernelsWasm, 'base64'));
  const names = WebAssembly.Module.exports(new WebAssembly.Module(kernels)).map(({ name }) => name);
  const pages = 4;
  let memories: readonly WebAssembly.Memory[];
  beforeAll(() => {
    memories = [0, 1].map(() => new WebAssembly.Memory({ initial: pages, maximum: pages }));
  });

  it.each(names)('%s alone', (name) => {
    const shaken = Uint8Array.from(shakeModule(kernels, [name]));
    expect(WebAssembly.validate(shaken)).toBe(true);
    const module = new WebAssembly.Module(shaken);
    expect(WebAssembly.Module.exports(module)).toEqual([{ name, kind: 'function' }]);
    expect(WebAssembly.Module.imports(module)).toEqual([{ module: 'env', name: 'memory', kind: 'memory' }]);
    expect(shaken.length).toBeLessThan(kernels.length / 2);
  });

  it('in groups compute the same bits as the whole', () => {
    const wanted = [
      'setDims',
      'setStridesA',
      'setStridesB',
      'add',
      'geluErf',
      'matmul',
      'softmax',
      'layerNorm',
      'adam',
    ];
    const [first, second] = [kernels, Uint8Array.from(shakeModule(kernels, wanted))].map((bytes, i) => {
      const memory = memories[i]!;
      const floats = new Float32Array(memory.buffer);
      for (let n = 0; n < floats.length; n++) floats[n] = Math.fround(Math.sin(n * n));
      const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } });
      const call = (name: string, ...args: readonly number[]): void => {
        const found = exports[name];
        if (typeof found === 'function') found(...args);
        else throw new Error(`no ${name}`);
      };
      call('setDims', 1, 1, 1, 1, 9, 13);
      call('setStridesA', 0, 0, 0, 0, 13, 1);
      call('setStridesB', 0, 0, 0, 0, 0, 1);
      call('add', 0, 4096, 8192);
      call('geluErf', 8192, 8192, 100);
      call('matmul', 0, 8192, -1, 16384, 65536, 21, 19, 17, 17, 1, 19, 1, 0, 0);
      call('softmax', 16384, 20480, 21, 19, 1);
      call('adam', 24576, 28672, 32768, 36864, 24576, 32768, 36864, 1000, 1e-3, 1, 0.9, 0.1, 0.99, 0.01, 1e-8, 0, 1);
      return new Uint8Array(memory.buffer);
    });
    expect(Buffer.compare(first!, second!)).toBe(0);
    expect(new Float32Array(first!.buffer, 20480, 19).reduce((sum, x) => sum + x, 0)).toBeCloseTo(1, 5);
  });
});
