/**
 * What becomes of standard output when it cannot be written. Who read it may have gone (`sublinear ops | head`): that is
 * no failure, and no reason to leave other outputs unwritten. Any other fault, as a full disk, is said once, and makes a
 * command that went well otherwise exit with 1.
 */
import { explainFailure } from '../files/system-error.ts';

let closed = false;

/** Whether nobody reads standard output any more. */
export function outputIsClosed(): boolean {
  return closed;
}

/** For the process that the command line is: to be called once. */
export function watchStandardStreams(): void {
  let failed = false;
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    closed = true;
    if (failed || error.code === 'EPIPE' || error.code === 'ERR_STREAM_DESTROYED') return;
    failed = true;
    process.stderr.write(`error: cannot write standard output: ${explainFailure(error).reason}\n`);
  });
  // There is nowhere left to say that errors cannot be said.
  process.stderr.on('error', () => undefined);
  process.on('exit', (code) => {
    if (failed && code === 0) process.exitCode = 1;
  });
}
