/**
 * Starts threads: `worker_threads` where there are any (Node), Web Workers elsewhere. Their source is the text of
 * functions, so that it need not be found as a file: it starts from TypeScript, from built files, and from a bundle.
 */
import { BackendError } from '../wasm-support.ts';
import { threadSource, type WorkerSetup } from './thread-worker.ts';

export interface Spawned {
  terminate(): void;
}

/** Node's module, without an `import` that a bundler for browsers would have to resolve. */
function nodeThreads(): typeof import('node:worker_threads') | undefined {
  if (typeof process !== 'object' || typeof process.getBuiltinModule !== 'function') return undefined;
  return process.getBuiltinModule('node:worker_threads');
}

/** Cores the machine offers, where the engine says. */
export function availableCores(): number | undefined {
  if (nodeThreads() !== undefined) return process.getBuiltinModule('node:os').availableParallelism();
  return typeof navigator === 'object' ? navigator.hardwareConcurrency : undefined;
}

/** Why the engine cannot run threads that share memory; undefined where it can. */
export function threadObstacle(): BackendError | undefined {
  const isolated = !('crossOriginIsolated' in globalThis) || globalThis.crossOriginIsolated === true;
  if (typeof SharedArrayBuffer !== 'function' || !isolated)
    return new BackendError(
      'no-shared-memory',
      'threads need shared memory, and this page has none: it is not cross-origin isolated',
      'serve it with Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp, or take one thread',
    );
  if (nodeThreads() === undefined && typeof Worker !== 'function')
    return new BackendError(
      'no-workers',
      'this engine has no workers to run threads in',
      'take Node 20.16 or later, a browser, or one thread',
    );
  return undefined;
}

/** Starts a thread that does not keep the process alive. `onEnd` hears why it ended, if it was not told to. */
export function spawnWorker(setup: WorkerSetup, onEnd: (reason: string) => void): Spawned {
  const node = nodeThreads();
  if (node !== undefined) {
    const source = threadSource("require('node:worker_threads').workerData");
    // Loaders and settings of the process are none of its business.
    const worker = new node.Worker(source, { eval: true, workerData: setup, execArgv: [], env: {} });
    worker.on('error', (error: Error) => onEnd(error.message));
    worker.on('exit', (code) => onEnd(`it ended with code ${code}`));
    worker.unref();
    return { terminate: () => void worker.terminate() };
  }
  const source = `onmessage = (event) => { ${threadSource('event.data')} };`;
  const url = URL.createObjectURL(new Blob([source], { type: 'text/javascript' }));
  const worker = new Worker(url);
  worker.onerror = (event) => {
    event.preventDefault();
    onEnd(event.message === '' ? 'its script was not loaded' : event.message);
  };
  worker.postMessage(setup);
  return {
    terminate() {
      worker.terminate();
      URL.revokeObjectURL(url);
    },
  };
}
