/** The WebAssembly kernels of an emitted module as text: how they are bound to a memory, and the module of them. */
import { kernelsWasm } from '../../../runtime/wasm/kernels.generated.ts';
import { shakeModule } from '../wasm/shake-module.ts';
import type { KernelChoice } from './choose-kernels.ts';
import { groupDigits } from './layout.ts';
import { quote } from './quote.ts';

/** What a module uses of the runtime beside the kernels, by file. */
export function wasmSupport({ bound }: KernelChoice): Readonly<Record<string, readonly string[]>> {
  const passes = [...bound.values()].includes(undefined) ? ['passNumbers'] : [];
  return {
    'wasm-support.ts': ['allocateWasmMemory'],
    'wasm-instance.ts': bound.size === 0 ? [] : ['PickKernel', 'instantiateWasm', ...passes],
  };
}

/** `bindKernels`, and the type of what it returns. `names`: the name in the module of each function of the runtime. */
export function printBindKernels({ bound }: KernelChoice, names: ReadonlyMap<string, string>): string {
  const lines = [...bound].map(([name, wrapper]) =>
    wrapper === undefined
      ? `    ${name}: passNumbers(pick(${quote(name)})),`
      : `    ${name}: ${names.get(wrapper) ?? wrapper}(pick),`,
  );
  return [
    '/** The kernels that run in WebAssembly, in the memory of one step. */',
    'function bindKernels(pick: PickKernel) {',
    '  return {',
    ...lines,
    '  };',
    '}',
    '',
    'type Kernels = ReturnType<typeof bindKernels>;',
  ].join('\n');
}

export interface WasmText {
  /** Length of the module. */
  readonly bytes: number;
  readonly text: string;
}

/** The functions that are called, and what they call, as the constant that stands in the runtime's place. */
export function printWasm({ exports }: KernelChoice): WasmText {
  const module = shakeModule(Buffer.from(kernelsWasm, 'base64'), exports);
  const bytes = module.length;
  const text = [
    `/** The WebAssembly kernels, ${groupDigits(bytes)} bytes; their source is runtime/wasm/assembly of sublinear. */`,
    'const kernelsWasm =',
    `  '${Buffer.from(module).toString('base64')}';`,
  ].join('\n');
  return { bytes, text };
}

/** For the head of the module; `bytes`: length of the WebAssembly that it carries, if any. */
export function describeKernels({ bound, plain }: KernelChoice, bytes: number | undefined): string {
  const carried = bytes === undefined ? '' : `, ${groupDigits(bytes)} bytes`;
  return [
    ...(bound.size > 0 ? [`WebAssembly SIMD${carried}: ${[...bound.keys()].join(', ')}`] : []),
    ...(plain.length > 0 ? [`plain TypeScript: ${plain.join(', ')}`] : []),
  ].join('; ');
}
