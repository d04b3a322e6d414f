/**
 * Compiles runtime/wasm/assembly to WebAssembly and writes it, in base64, as runtime/wasm/kernels.generated.ts, so that
 * neither Node nor a browser has to find a file. Fails where the module holds static data: it runs inside the arena, in
 * which every byte belongs to a plan. `--text` writes kernels.wat beside it.
 */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = fileURLToPath(new URL('../runtime/wasm/', import.meta.url));
const text = process.argv.includes('--text') ? ['--textFile', 'kernels.wat'] : [];

const files = new Map();
const { error, stderr } = await asc.main(
  ['--baseDir', root, '--config', 'runtime/wasm/asconfig.json', '--outFile', 'kernels.wasm', ...text],
  { writeFile: (name, contents) => void files.set(name.slice(name.lastIndexOf('/') + 1), contents) },
);
if (error) {
  process.stderr.write(stderr.toString());
  process.exit(1);
}
for (const [name, contents] of files) if (name.endsWith('.wat')) writeFileSync(folder + name, contents);

const binary = files.get('kernels.wasm');
const imports = WebAssembly.Module.imports(new WebAssembly.Module(binary)).map(
  ({ module, name }) => `${module}.${name}`,
);
if (imports.join() !== 'env.memory') throw new Error(`the module imports ${imports.join(', ')}, not only its memory`);
const dataSection = 11;
if (sections(binary).includes(dataSection))
  throw new Error('the module holds static data, which would lie in the arena');

writeFileSync(
  `${folder}kernels.generated.ts`,
  `/** Written by scripts/build-wasm.mjs: the WebAssembly kernels, ${binary.length} bytes. */
export const kernelsWasm =
  '${Buffer.from(binary).toString('base64')}';
`,
);

/** Ids of the module's sections (WebAssembly core specification, 5.5.2). */
function sections(bytes) {
  const ids = [];
  let at = 8;
  while (at < bytes.length) {
    ids.push(bytes[at++]);
    let size = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++];
      size |= (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    at += size;
  }
  return ids;
}
