/** How an emitted module takes the runtime from the package, where it does not carry it itself. */
import { uniqueIdentifier } from './identifiers.ts';
import { layOut } from './layout.ts';

const types: ReadonlySet<string> = new Set(
  'Integers Memory NumberArray Numbers PickKernel Step StepMemory StepOptions Tensors WasmStepOptions'.split(' '),
);

/** Name in the module of each kernel: another than its own where the module needs that for something else. */
export function importedNames(kernels: readonly string[], reserved: ReadonlySet<string>): ReadonlyMap<string, string> {
  const taken = new Set([...reserved, ...kernels]);
  return new Map(
    kernels.map((kernel) => [kernel, reserved.has(kernel) ? uniqueIdentifier(`${kernel}Kernel`, taken) : kernel]),
  );
}

/** `kernels`: as `importedNames` gives them. Of `support` only what `body` uses; `exported` is handed on. */
export function printImports(
  kernels: ReadonlyMap<string, string>,
  support: readonly string[],
  exported: readonly string[],
  body: string,
): string {
  const words = new Set(body.match(/\w+/g));
  const marked = (name: string): string => (types.has(name) ? `type ${name}` : name);
  const specifiers = [
    ...[...new Set(support)].filter((name) => words.has(name)).map((name) => ({ name, text: marked(name) })),
    ...[...kernels].map(([name, local]) => ({ name, text: local === name ? name : `${name} as ${local}` })),
  ].sort((a, b) => compareNames(a.name, b.name));
  const from = " } from 'sublinear/runtime';";
  const texts = specifiers.map((specifier) => specifier.text);
  return `${layOut('', 'import { ', texts, from)}\n\n${layOut('', 'export { ', [...exported].sort(compareNames).map(marked), from)}`;
}

function compareNames(a: string, b: string): number {
  return a.toLowerCase() < b.toLowerCase() ? -1 : 1;
}
