/**
 * Compiles runtime/wasm/assembly to WebAssembly and writes it, in base64, as runtime/wasm/kernels.generated.ts, so that
 * neither Node nor a browser has to find a file; and again with relaxed SIMD as kernels-fast.generated.ts. Fails where the module holds static data: it runs inside the arena, in
 * which every byte belongs to a plan. `--text` writes kernels.wat beside it;
 * `--plain` leaves out the module for fast math.
 */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = fileURLToPath(new URL('../runtime/wasm/', import.meta.url));
const text = process.argv.includes('--text') ? ['--textFile', 'kernels.wat'] : [];

const importSection = 2;
const dataSection = 11;

await build('kernels', 'kernelsWasm', 'the WebAssembly kernels', text);
if (!process.argv.includes('--plain'))
  await build('kernels-fast', 'fastKernelsWasm', 'the WebAssembly kernels for fast math', ['--enable', 'relaxed-simd']);

async function build(name, constant, what, options) {
  const files = new Map();
  const { error, stderr } = await asc.main(
    ['--baseDir', root, '--config', 'runtime/wasm/asconfig.json', '--outFile', 'kernels.wasm', ...options],
    { writeFile: (name, contents) => void files.set(name.slice(name.lastIndexOf('/') + 1), contents) },
  );
  if (error) {
    process.stderr.write(stderr.toString());
    process.exit(1);
  }
  for (const [name, contents] of files) if (name.endsWith('.wat')) writeFileSync(folder + name, contents);
  const binary = files.get('kernels.wasm');
  const imported = importedNames(binary);
  if (imported !== 'env.memory') throw new Error(`the module imports ${imported}, not only its memory`);
  if (sections(binary).some(({ id }) => id === dataSection))
    throw new Error('the module holds static data, which would lie in the arena');
  writeFileSync(
    `${folder}${name}.generated.ts`,
    `/** Written by scripts/build-wasm.mjs: ${what}, ${binary.length} bytes. */
export const ${constant} =
  '${Buffer.from(binary).toString('base64')}';
`,
  );
}

/** The module's sections (WebAssembly core specification, 5.5.2): id, and where its contents start and end. */
function sections(bytes) {
  const found = [];
  for (let at = 8; at < bytes.length; at = found.at(-1).end) {
    const id = bytes[at];
    const { value, next } = unsigned(bytes, at + 1);
    found.push({ id, start: next, end: next + value });
  }
  return found;
}

function unsigned(bytes, at) {
  let value = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = bytes[at++];
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) return { value, next: at };
  }
}

/** MODULE.NAME of the module's one import, or how many it has. Read here: this engine need not know relaxed SIMD. */
function importedNames(bytes) {
  const section = sections(bytes).find(({ id }) => id === importSection);
  if (section === undefined) return 'nothing';
  const count = unsigned(bytes, section.start);
  if (count.value !== 1) return `${count.value} things`;
  const names = [];
  for (let at = count.next; names.length < 2; ) {
    const { value, next } = unsigned(bytes, at);
    names.push(Buffer.from(bytes.subarray(next, next + value)).toString());
    at = next + value;
  }
  return names.join('.');
}
