/** Signals that would end the process wait until files are written: they end it right after, with nothing half done. */

const held: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/**
 * Call before, and what it returns after, synchronous work. Who listens to a signal himself is left alone: his listener
 * too runs only when the work is done.
 */
export function holdSignals(): () => void {
  const signals = held.filter((signal) => process.listenerCount(signal) === 0);
  const end = (signal: NodeJS.Signals): void => {
    release();
    process.kill(process.pid, signal);
  };
  const release = (): void => {
    for (const signal of signals) process.removeListener(signal, end);
  };
  for (const signal of signals) process.on(signal, end);
  // A signal is handed over when the event loop polls: at the latest between these two turns.
  return () => void setImmediate(() => setImmediate(release));
}
