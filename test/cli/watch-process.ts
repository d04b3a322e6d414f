/** A process that never returns to its event loop, for the test of Ctrl-C: says what it sees of the signal. */
import { writeSync } from 'node:fs';
import { watchInterrupt } from '../../src/cli/interrupt-watch.ts';

const say = (word: string): void => {
  writeSync(1, `${word}\n`);
};

/** Busy until something happens, or for half a minute. */
function busyUntil(happened: () => boolean): void {
  const started = performance.now();
  while (!happened() && performance.now() - started < 30_000);
}

const watch = watchInterrupt();
say('watching');
busyUntil(watch.interrupted);
say(watch.interrupted() ? 'interrupted' : 'nothing');
watch.close();
if (process.argv[2] === 'handler') {
  process.once('SIGINT', () => say('handled'));
  say('waiting');
  setTimeout(() => say('ended'), 500);
} else busyUntil(() => false);
