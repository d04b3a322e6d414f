/**
 * Dead-function elimination of a WebAssembly module: keeps the exports asked for, the functions that these and the start
 * function reach, the globals and types which those name, and numbers them anew.
 *
 *   exports add, relu, conv   ->   asked for add   ->   exports add
 *   functions 0 .. 144                                  functions 0 .. 3
 *
 * Of a module it takes what the kernels are made of: types, imported memories, functions, globals with constant
 * initial values, exported functions, a start function. Anything else is refused, custom sections are dropped.
 */
import { ByteReader, concatBytes, sizedBytes, unsignedBytes, vectorBytes } from './bytes.ts';
import { type IndexSpace, type IndexUse, indexUses } from './instructions.ts';

/** Section ids (core specification, 5.5.2). */
const custom = 0;
const typeSection = 1;
const importSection = 2;
const functionSection = 3;
const globalSection = 6;
const exportSection = 7;
const startSection = 8;
const codeSection = 10;
const known = [typeSection, importSection, functionSection, globalSection, exportSection, startSection, codeSection];

interface WasmFunction {
  readonly type: number;
  /** Locals and instructions. */
  readonly body: Uint8Array;
  /** Positions in `body`, in order. */
  readonly uses: readonly IndexUse[];
}

interface WasmModule {
  readonly types: readonly Uint8Array[];
  /** The imports' section, which is copied. */
  readonly imports: Uint8Array | undefined;
  readonly functions: readonly WasmFunction[];
  readonly globals: readonly Uint8Array[];
  /** Functions by exported name. */
  readonly exports: ReadonlyMap<string, number>;
  readonly start: number | undefined;
}

/** Throws for a name that is not exported, and for modules of other parts than the kernels have. */
export function shakeModule(bytes: Uint8Array, exports: readonly string[]): Uint8Array {
  const module = parseModule(bytes);
  const roots = exports.map((name) => {
    const found = module.exports.get(name);
    if (found === undefined) throw new Error(`the WebAssembly module exports no function ${name}`);
    return found;
  });
  const kept = reachable(module, module.start === undefined ? roots : [...roots, module.start]);
  return printModule(module, kept, new Map(exports.map((name, i) => [name, roots[i]!])));
}

function parseModule(bytes: Uint8Array): WasmModule {
  const sections = new Map<number, Uint8Array>();
  const reader = new ByteReader(bytes, 8);
  while (reader.at < reader.end) {
    const id = reader.byte();
    const contents = reader.take(reader.unsigned());
    if (id === custom) continue;
    if (!known.includes(id)) throw new Error(`the WebAssembly module has a section ${id}, which is not known here`);
    sections.set(id, contents);
  }
  const read = <T>(id: number, entry: (reader: ByteReader) => T): readonly T[] => {
    const own = sections.get(id);
    if (own === undefined) return [];
    const contents = new ByteReader(own);
    return contents.vector(() => entry(contents));
  };
  read(importSection, checkImport);
  const types = read(functionSection, (own) => own.unsigned());
  const bodies = read(codeSection, (own) => own.take(own.unsigned()));
  const start = sections.get(startSection);
  return {
    types: read(typeSection, readType),
    imports: sections.get(importSection),
    functions: bodies.map((body, i) => ({ type: types[i]!, body, uses: usesOf(body) })),
    globals: read(globalSection, readGlobal),
    exports: new Map(read(exportSection, readExport)),
    start: start === undefined ? undefined : new ByteReader(start).unsigned(),
  };
}

/** What is imported stands first in its index space; memories only leave those of functions and globals as they are. */
function checkImport(reader: ByteReader): void {
  const [module, name] = [readName(reader), readName(reader)];
  if (reader.byte() !== 2) throw new Error(`the WebAssembly module imports ${module}.${name}, which is no memory`);
  const hasMaximum = reader.byte() % 2 === 1;
  reader.unsigned();
  if (hasMaximum) reader.unsigned();
}

function readName(reader: ByteReader): string {
  return new TextDecoder().decode(reader.take(reader.unsigned()));
}

function since(reader: ByteReader, start: number): Uint8Array {
  return reader.bytes.subarray(start, reader.at);
}

/** Parameters and results, a byte each. */
function readType(reader: ByteReader): Uint8Array {
  const start = reader.at;
  reader.skip(1);
  reader.skip(reader.unsigned());
  reader.skip(reader.unsigned());
  return since(reader, start);
}

/** Type, mutability, and a constant of 32, 64 or 128 bits. */
function readGlobal(reader: ByteReader): Uint8Array {
  const start = reader.at;
  reader.skip(2);
  const opcode = reader.byte();
  if (opcode === 0x41 || opcode === 0x42) reader.skipInteger();
  else if (opcode === 0x43) reader.skip(4);
  else if (opcode === 0x44) reader.skip(8);
  else if (opcode === 0xfd && reader.byte() === 0x0c) reader.skip(16);
  else throw new Error('a global of the WebAssembly module begins as something else than a constant');
  if (reader.byte() !== 0x0b) throw new Error('a global of the WebAssembly module begins as more than a constant');
  return since(reader, start);
}

function readExport(reader: ByteReader): readonly [string, number] {
  const name = readName(reader);
  if (reader.byte() !== 0) throw new Error(`the WebAssembly module exports ${name}, which is no function`);
  return [name, reader.unsigned()];
}

function usesOf(body: Uint8Array): readonly IndexUse[] {
  const reader = new ByteReader(body);
  reader.vector(() => {
    reader.skipInteger();
    reader.skip(1);
  });
  return indexUses(reader);
}

/** Old indices of what is kept, in their order. */
type Kept = Readonly<Record<IndexSpace | 'type', readonly number[]>>;

function reachable(module: WasmModule, roots: readonly number[]): Kept {
  const kept = { function: new Set(roots), global: new Set<number>(), type: new Set<number>() };
  // A set hands out what is added to it while it is walked.
  for (const index of kept.function) {
    const { type, uses } = module.functions[index]!;
    kept.type.add(type);
    for (const use of uses) kept[use.space].add(use.index);
  }
  const sorted = (set: ReadonlySet<number>): readonly number[] => [...set].sort((a, b) => a - b);
  return { function: sorted(kept.function), global: sorted(kept.global), type: sorted(kept.type) };
}

function printModule(module: WasmModule, kept: Kept, exports: ReadonlyMap<string, number>): Uint8Array {
  const renumbered = (space: keyof Kept): ReadonlyMap<number, number> => new Map(kept[space].map((old, i) => [old, i]));
  const places = { function: renumbered('function'), global: renumbered('global'), type: renumbered('type') };
  const indexBytes = (space: keyof Kept, old: number): readonly number[] => unsignedBytes(places[space].get(old)!);
  const functions = kept.function.map((index) => module.functions[index]!);
  const printBody = ({ body, uses }: WasmFunction): Uint8Array => {
    const parts: ArrayLike<number>[] = [];
    let at = 0;
    for (const { space, index, start, end } of uses) {
      parts.push(body.subarray(at, start), indexBytes(space, index));
      at = end;
    }
    parts.push(body.subarray(at));
    return sizedBytes(concatBytes(parts));
  };
  const sections: readonly (readonly [number, ArrayLike<number> | undefined])[] = [
    [typeSection, vectorBytes(kept.type.map((index) => module.types[index]!))],
    [importSection, module.imports],
    [functionSection, vectorBytes(functions.map(({ type }) => indexBytes('type', type)))],
    [globalSection, vectorBytes(kept.global.map((index) => module.globals[index]!))],
    [
      exportSection,
      vectorBytes(
        [...exports].map(([name, index]) =>
          concatBytes([sizedBytes(new TextEncoder().encode(name)), [0], indexBytes('function', index)]),
        ),
      ),
    ],
    [startSection, module.start === undefined ? undefined : indexBytes('function', module.start)],
    [codeSection, vectorBytes(functions.map(printBody))],
  ];
  const magicAndVersion = [0, 97, 115, 109, 1, 0, 0, 0];
  return concatBytes([
    magicAndVersion,
    ...sections.flatMap(([id, contents]) => (contents === undefined ? [] : [[id], sizedBytes(contents)])),
  ]);
}
