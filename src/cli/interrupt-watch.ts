/**
 * Notices Ctrl-C while the main thread is busy. Node hands signals to the event loop of the main thread, which a search
 * does not return to; so a worker thread waits inside `vm`, whose `breakOnSigint` catches the signal wherever it comes.
 *
 * One signal is taken. From then on, and after `close`, the signal does what it does to any process: it ends it.
 */
import { Worker } from 'node:worker_threads';

export interface InterruptWatch {
  readonly interrupted: () => boolean;
  /** Gives the signal back at once. */
  readonly close: () => void;
}

/** What the threads tell each other through shared memory. */
const states = { starting: 0, watching: 1, interrupted: 2, closing: 3, closed: 4 };

/** Plain JavaScript, so that it starts without the loader of the main thread. */
const watcher = `
const { workerData: state } = require('node:worker_threads');
const { runInThisContext } = require('node:vm');
const states = ${JSON.stringify(states)};
if (Atomics.compareExchange(state, 0, states.starting, states.watching) === states.starting) {
  globalThis.state = state;
  try {
    runInThisContext('Atomics.wait(state, 0, ' + states.watching + '), undefined', { breakOnSigint: true });
    Atomics.store(state, 0, states.closed);
  } catch {
    const was = Atomics.compareExchange(state, 0, states.watching, states.interrupted);
    if (was === states.closing) Atomics.store(state, 0, states.closed);
  }
  Atomics.notify(state, 0);
}
`;

/** Milliseconds that `close` waits at most for the other thread to let go of the signal. */
const patience = 1000;

export function watchInterrupt(): InterruptWatch {
  const state = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  const worker = new Worker(watcher, { eval: true, workerData: state, execArgv: [], env: {} });
  // A thread that cannot be had is no reason to fail: then Ctrl-C ends the process, as it always did.
  worker.on('error', () => undefined);
  worker.unref();
  return {
    interrupted: () => Atomics.load(state, 0) === states.interrupted,
    close: () => {
      if (Atomics.compareExchange(state, 0, states.starting, states.closing) === states.starting) return;
      if (Atomics.compareExchange(state, 0, states.watching, states.closing) !== states.watching) return;
      Atomics.notify(state, 0);
      Atomics.wait(state, 0, states.closing, patience);
    },
  };
}
