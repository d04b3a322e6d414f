/** Threads in a page: Web Workers from the source text of one function, and a main thread that may not sleep. */
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadTsMorph } from '../../../src/codegen/emit/load-ts-morph.ts';
import { type Browser, findBrowser, type Page } from '../../chromium.ts';

const root = resolve(import.meta.dirname, '../../..');
const launch = await findBrowser();

const isolation = {
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
};

const scripts = new Map<string, string>();

/** A file of the runtime as a browser loads it. */
function script(path: string): string {
  const known = scripts.get(path);
  if (known !== undefined) return known;
  const { ts } = loadTsMorph();
  const compilerOptions = {
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.ESNext,
    rewriteRelativeImportExtensions: true,
  };
  const source = readFileSync(join(root, path.replace(/\.js$/, '.ts')), 'utf8');
  const { outputText } = ts.transpileModule(source, { compilerOptions });
  scripts.set(path, outputText);
  return outputText;
}

/** Two matrix products and an addition on `threads` threads, until another thread has taken part, and what is left. */
const task = `
const { createMachine } = await import('/runtime/interpreter.js');
const { add } = await import('/runtime/kernels/binary.js');
const { matmul, matmulScratch } = await import('/runtime/kernels/matmul.js');
const { selectBackend } = await import('/runtime/select-backend.js');
const { threadBytes } = await import('/runtime/threads/thread-bytes.js');
const { ThreadTeam } = await import('/runtime/threads/thread-team.js');
const n = 192;
const size = 4 * n * n;
const product = (a, b, out) => ({
  kernel: matmul,
  args: [a * size, b * size, -1, out * size, 5 * size, n, n, n, n, 1, n, 1, 0, 0, [], [], [], []],
});
const calls = [product(0, 1, 2), { kernel: add, args: [size, 2 * size, 3 * size, [n * n], [1], [1]] }, product(3, 2, 4)];
const program = { name: 'p', arenaBytes: 5 * size + matmulScratch(n, n, n), residentBytes: 0, steps: [{ calls, frees: [] }] };
let shared = 0;
const { open, take } = ThreadTeam.prototype;
let first = true;
ThreadTeam.prototype.open = function (...args) { first = true; open.apply(this, args); };
ThreadTeam.prototype.take = function (part) { const own = take.call(this, part); if (first && !own) shared++; first = false; return own; };
const run = async (threads) => {
  const bytes = program.arenaBytes + threadBytes(program, threads);
  const machine = createMachine(program, selectBackend('wasm', bytes, { threads }));
  const { f32 } = machine.memory;
  for (let i = 0; i < 2 * n * n; i++) f32[i] = ((i * 7) % 13) / 13 - 0.5;
  for (let i = 0; i < 400 && (i < 3 || (threads > 1 && shared < 5)); i++) {
    machine.run();
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const left = f32.slice(0, 5 * n * n);
  machine.close();
  return left;
};
const [one, two] = [await run(1), await run(2)];
return { shared, equal: one.every((x, i) => Object.is(x, two[i])), isolated: crossOriginIsolated };
`;

describe.skipIf(launch === undefined)('in Chromium', () => {
  let server: Server;
  let browser: Browser;
  let address = '';

  beforeAll(async () => {
    server = createServer((request, response) => {
      const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost');
      const headers = searchParams.has('open') ? {} : isolation;
      const send = (type: string, body: string) =>
        response.writeHead(200, { ...headers, 'content-type': type }).end(body);
      if (pathname === '/') send('text/html', '<title>x</title>');
      else if (pathname === '/task.js')
        send(
          'text/javascript',
          `(async () => {${task}})().then(postMessage, (error) => postMessage({ error: String(error) }));`,
        );
      else if (pathname.startsWith('/runtime/')) send('text/javascript', script(pathname.slice(1)));
      else response.writeHead(404).end();
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const bound = server.address();
    address = `http://127.0.0.1:${typeof bound === 'object' && bound !== null ? bound.port : 0}/`;
    browser = await launch!();
  });

  afterAll(async () => {
    await browser?.close();
    server?.close();
  });

  const pageAt = async (path: string): Promise<Page> => {
    const page = await browser.newPage();
    await page.goto(address + path);
    return page;
  };

  it('a page that is cross-origin isolated shares the work, from its main thread', async () => {
    const left = await (await pageAt('')).evaluate(`(async () => {${task}})()`);
    expect(left).toEqual({ shared: expect.any(Number), equal: true, isolated: true });
    expect(left).toHaveProperty(
      'shared',
      expect.toSatisfy((shared: number) => shared >= 5),
    );
  });

  it('so does a worker of that page', async () => {
    const started = `new Promise((resolve, reject) => {
      const worker = new Worker('/task.js');
      worker.onmessage = (event) => resolve(event.data);
      worker.onerror = (event) => reject(new Error(event.message));
    })`;
    const left = await (await pageAt('')).evaluate(started);
    expect(left).toEqual({ shared: expect.any(Number), equal: true, isolated: true });
    expect(left).toHaveProperty(
      'shared',
      expect.toSatisfy((shared: number) => shared >= 5),
    );
  });

  it('a page that is not says what it lacks, and goes on with one thread', async () => {
    const said = await (await pageAt('?open')).evaluate(`(async () => {
      const { selectBackend } = await import('/runtime/select-backend.js?open');
      const { threads, notice } = selectBackend('auto', 64, { threads: 2 });
      try {
        selectBackend('wasm', 64, { threads: 2 });
      } catch (error) {
        return { threads, notice, code: error.code };
      }
    })()`);
    expect(said).toEqual({
      threads: 1,
      notice:
        'running on one thread: threads need shared memory, and this page has none: it is not cross-origin isolated',
      code: 'no-shared-memory',
    });
  });
});
