/** The module emitted with WebAssembly kernels as its user meets it: its text, its types, its memory, its errors. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { WasmStepOptions } from '../../../runtime/step.ts';
import { wasmPage } from '../../../runtime/wasm-support.ts';
import { checkEmitted } from '../../../src/codegen/emit/check-emitted.ts';
import { emitTypeScript } from '../../../src/codegen/emit/emit-typescript.ts';
import { type Compiled, compile } from '../../../src/compile.ts';
import { type BuiltModel, ModelBuilder } from '../../../src/frontend/builder/model-builder.ts';
import { SublinearError } from '../../../src/ir/diagnostic.ts';
import { type EmittedModule, importEmitted, stripTypes, typeErrors } from './emitted-step.ts';
import { differencesFromInterpreter } from './same-as-interpreter.ts';

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

function perceptron(layers: number, width: number): BuiltModel {
  const m = new ModelBuilder('perceptron');
  let h = m.input('x', [16, width]);
  for (let i = 0; i < layers; i++) h = m.tanh(m.linear(h, width));
  m.loss(m.crossEntropy(m.linear(h, 3), m.input('labels', [16], 'i64')));
  return m.finish();
}

const compileMemory = (model: BuiltModel, options = {}): Compiled =>
  compile(model, { losses: model.losses, strategy: 'memory', ...options });
const emitWasm = (compiled: Compiled, runtime: 'inline' | 'import' = 'inline'): string =>
  emitTypeScript(compiled, { backend: 'wasm', runtime });

/** The WebAssembly that a module carries. */
function carriedWasm(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(Buffer.from(/^const kernelsWasm =\s+'([^']+)';$/m.exec(text)?.[1] ?? '', 'base64'));
}

const compiled = compileMemory(perceptron(6, 32), { optimizer: { kind: 'adamw' } });
const text = emitWasm(compiled);
/** Without the constant at the end, which nobody wants to see in a message. */
const source = text.slice(0, text.indexOf('const kernelsWasm'));
const peakBytes = compiled.program.arenaBytes + compiled.program.residentBytes;

describe('the text', () => {
  it('carries the WebAssembly that the step calls, and no more', () => {
    const carried = carriedWasm(text);
    const exports = WebAssembly.Module.exports(new WebAssembly.Module(carried)).map(({ name }) => name);
    const setters = ['setDims', 'setReducedDims', 'setReducedStridesA', 'setStridesA'];
    const kernels = ['adam', 'crossEntropy', 'crossEntropyGrad', 'matmul', 'reduceSum', 'tanh', 'tanhGrad'];
    expect(exports.sort()).toEqual([...kernels, ...setters].sort());
    expect(carried.length).toBeLessThan(20_000);
    expect(source).toContain(`WebAssembly SIMD, ${carried.length.toLocaleString('en-US')} bytes: adam, crossEntropy,`);
  });

  it('calls wrappers that are carried as sources, and plain TypeScript where there is nothing else', () => {
    expect(source).toMatch(/^ {2}k\.matmul\(m, \d+, .*\);/m);
    expect(source).toMatch(/^ {4}tanh: passNumbers\(pick\('tanh'\)\),$/m);
    expect(source).toMatch(/^function matmulWasm\(pick: PickKernel\)/m);
    expect(source).toMatch(/^ {2}increment\(m, \d+, .*\);/m);
    expect(source).toMatch(/^function increment\(m: Memory/m);
    expect(source).not.toMatch(/function (matmul|tanh|adam|conv\w*)\(/);
    expect(source).not.toMatch(/^import /m);
  });

  it('ends in one long constant', () => {
    const lines = text.trimEnd().split('\n');
    expect(lines.slice(-3, -1).map((line) => line.replace(/[\d,]+ bytes/, '# bytes'))).toEqual([
      '/** The WebAssembly kernels, # bytes; their source is runtime/wasm/assembly of sublinear. */',
      'const kernelsWasm =',
    ]);
    expect(lines.filter((line) => line.length > 1000)).toEqual([lines.at(-1)]);
  });

  it('is the same text from two compilations', () => {
    const again = emitWasm(compileMemory(perceptron(6, 32), { optimizer: { kind: 'adamw' } }));
    expect(again.replace(/test\.ts:\d+/g, '')).toBe(text.replace(/test\.ts:\d+/g, ''));
  });

  it('takes the WebAssembly from the package with `runtime: import`, and carries none', () => {
    const imported = emitWasm(compiled, 'import');
    expect(imported).toMatch(/^import \{[^}]*\bmatmulWasm\b[^}]*\} from 'sublinear\/runtime';$/m);
    expect(imported).toContain('WebAssembly SIMD: adam,');
    expect(carriedWasm(imported)).toHaveLength(0);
    expect(imported.split('\n').filter((line) => line.length > 200)).toEqual([]);
    expect(checkEmitted(imported)).toEqual([]);
  });
});

describe('types', () => {
  it('check under strict, whatever else a project turns on', () => {
    const modules = {
      '/step.ts': text,
      '/use.ts': `import { BackendError, createStep, type WasmStepOptions } from './step.ts';
        const wanted: WasmStepOptions = { memory: new WebAssembly.Memory({ initial: 20 }), seed: 3 };
        const step = createStep(wanted);
        const loss: number | undefined = step.run({ x: [1], labels: [0], learningRate: 0.1 }).loss[0];
        console.log(loss, step.memory.peakBytes, new BackendError('no-simd', '', '').hint);
        // @ts-expect-error this step does not run in any buffer
        createStep({ buffer: new ArrayBuffer(8) });
      `,
    };
    const strictest = {
      allowImportingTsExtensions: true,
      noUncheckedIndexedAccess: true,
      exactOptionalPropertyTypes: true,
      verbatimModuleSyntax: true,
      noImplicitReturns: true,
      noPropertyAccessFromIndexSignature: true,
    };
    expect(typeErrors(modules, strictest)).toEqual([]);
    expect(source).not.toMatch(/(?::|\bas|<) ?any\b/);
  });
});

describe('memory', () => {
  let module: EmittedModule<WasmStepOptions>;
  const inputs = { x: new Float32Array(512).fill(0.5), labels: new Int32Array(16), learningRate: 0.1 };
  beforeAll(async () => {
    module = await importEmitted<WasmStepOptions>(text);
  });

  it('is of just the pages that the step needs', () => {
    const { memory } = module.createStep();
    expect(memory.buffer.byteLength).toBe(Math.ceil(peakBytes / wasmPage) * wasmPage);
    expect(memory.peakBytes).toBe(peakBytes);
  });

  it('may be given, and is refused where it is too small', () => {
    const memory = new WebAssembly.Memory({ initial: 9 });
    const step = module.createStep({ memory });
    expect(step.memory.buffer).toBe(memory.buffer);
    const own = module.createStep();
    for (const one of [step, own]) one.parameters.linear_weight!.fill(0.25);
    expect(step.run(inputs).loss![0]).toBe(own.run(inputs).loss![0]);
    expect(() => module.createStep({ memory: new WebAssembly.Memory({ initial: 1 }) })).toThrow(
      `the buffer has 65536 bytes; the step needs ${peakBytes}`,
    );
  });

  it('belongs to one step: another in the same program changes nothing in it', () => {
    const [one, two, alone] = [module.createStep(), module.createStep(), module.createStep()];
    for (const step of [one, two, alone]) step.parameters.linear_weight!.fill(0.25);
    for (let run = 0; run < 3; run++) {
      one.run(inputs);
      two.run({ ...inputs, learningRate: 0.5 });
    }
    for (let run = 0; run < 3; run++) alone.run(inputs);
    expect(Buffer.compare(Buffer.from(one.memory.buffer), Buffer.from(alone.memory.buffer))).toBe(0);
    expect(Buffer.compare(Buffer.from(one.memory.buffer), Buffer.from(two.memory.buffer))).not.toBe(0);
  });

  it('is the same heap after 10,000 runs', () => {
    const m = new ModelBuilder('tiny');
    const image = m.reshape(m.input('x', [2, 4]), [2, 1, 2, 2]);
    const h = m.dropout(m.tanh(m.linear(m.reshape(m.conv2d(image, 2, 3), [2, 8]), 4)), 0.1);
    m.loss(m.crossEntropy(h, m.input('labels', [2], 'i64')));
    const folder = mkdtempSync(join(tmpdir(), 'emitted-'));
    try {
      writeFileSync(join(folder, 'step.mjs'), stripTypes(emitWasm(compileMemory(m.finish()))));
      writeFileSync(
        join(folder, 'measure.mjs'),
        `import { createStep } from './step.mjs';
        const step = createStep();
        const inputs = { x: new Float32Array(8), labels: [0, 1] };
        const used = () => (gc(), gc(), process.memoryUsage().heapUsed);
        for (let run = 0; run < 3000; run++) step.run(inputs);
        const before = used();
        for (let run = 0; run < 10_000; run++) step.run(inputs);
        console.log(used() - before);`,
      );
      const grown = execFileSync(process.execPath, ['--expose-gc', join(folder, 'measure.mjs')], { encoding: 'utf8' });
      // The smallest object takes 12 bytes.
      expect(Number(grown) / 10_000).toBeLessThan(8);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('an engine that cannot run it', () => {
  it.each<[string, () => void, string]>([
    ['no WebAssembly', () => vi.stubGlobal('WebAssembly', undefined), 'this engine has no WebAssembly'],
    ['no SIMD', () => vi.spyOn(WebAssembly, 'validate').mockReturnValue(false), 'this engine has no WebAssembly SIMD'],
    [
      'no memory',
      () =>
        vi.spyOn(WebAssembly, 'Memory').mockImplementation(function refuse() {
          throw new RangeError('could not allocate memory');
        }),
      `the engine did not allocate ${Math.ceil(peakBytes / wasmPage) * wasmPage} bytes: could not allocate memory`,
    ],
  ])('%s', async (_, spoil, message) => {
    const { createStep, BackendError } = await importEmitted<WasmStepOptions>(text);
    spoil();
    expect(() => createStep()).toThrow(message);
    expect(() => createStep()).toThrow(BackendError);
  });
});

describe('unusual steps', () => {
  it('of more than 4 GiB are refused while they are compiled', () => {
    const m = new ModelBuilder('large');
    const x = m.input('x', [32768, 32768]);
    m.loss(m.mean(m.multiply(x, m.parameter('w', []))));
    const large = compileMemory(m.finish());
    expect(() => emitWasm(large)).toThrow(SublinearError);
    for (const emit of [emitWasm, emitTypeScript])
      expect(() => emit(large)).toThrow(/^the program needs \d{10,} bytes; kernels address 4294901760 /);
  });

  it('may call no WebAssembly kernel at all', async () => {
    const m = new ModelBuilder('pooled');
    const w = m.parameter('w', [1, 1, 2, 2], [1, 2, 3, 6]);
    const window = { kernel: [2, 2], strides: [2, 2], pads: [0, 0, 0, 0], dilations: [1, 1], ceil_mode: false };
    m.loss(m.reshape(m.apply('lp_pool', [w], { ...window, p: 2 })[0]!, []));
    const pooled = compileMemory(m.finish());
    const emitted = emitWasm(pooled);
    expect(emitted).not.toContain('kernelsWasm');
    expect(checkEmitted(emitted)).toEqual([]);
    expect(await differencesFromInterpreter(pooled, 2, 'wasm')).toEqual([]);
  });

  it('may have more dimensions than the WebAssembly kernels take', async () => {
    const m = new ModelBuilder('deep shape');
    const x = m.transpose(m.input('x', [2, 1, 2, 3, 2, 1, 2, 2]), [7, 5, 0, 3, 2, 1, 4, 6]);
    const w = m.parameter('w', [1, 1, 2, 1, 2, 1, 2, 1], [1, 2, 3, 4, 5, 6, 7, 8]);
    m.loss(m.mean(m.multiply(m.add(x, w), w)));
    expect(await differencesFromInterpreter(compileMemory(m.finish()), 2, 'wasm')).toEqual([]);
  });
});
