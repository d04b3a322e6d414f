/**
 * Ctrl-C (SIGINT) and SIGTERM as a request: work goes on to a place where it can be gone on from. The first is taken,
 * wherever it comes; the next one ends the process at once.
 */
import type { ExitCode } from '../ir/diagnostic.ts';
import { watchInterrupt } from './interrupt-watch.ts';

export type StopSignal = 'SIGINT' | 'SIGTERM';

/** As shells have it: 128 and the signal's number. */
export const exitCodeOfSignal: Readonly<Record<StopSignal, ExitCode>> = { SIGINT: 130, SIGTERM: 143 };

export interface StopSignals {
  /** The signal that came, if one did. */
  readonly received: () => StopSignal | undefined;
  /** Gives the signals back. */
  readonly close: () => void;
}

export function watchStopSignals(): StopSignals {
  let signal: StopSignal | undefined;
  // Until the watch has begun, and where it cannot, signals are seen between turns of the event loop.
  const watch = watchInterrupt();
  const close = (): void => {
    watch.close();
    process.removeListener('SIGINT', onSignal);
    process.removeListener('SIGTERM', onSignal);
  };
  const onSignal = (name: NodeJS.Signals): void => {
    signal ??= name === 'SIGTERM' ? 'SIGTERM' : 'SIGINT';
    close();
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  return {
    received: () => {
      if (signal === undefined && watch.interrupted()) onSignal('SIGINT');
      return signal;
    },
    close,
  };
}
