#!/usr/bin/env node
/** Entry of the command `sublinear`. */
import { runCommandLine } from './program.ts';

// `sublinear ops | head` closes the pipe before all is written: that is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});
process.exitCode = await runCommandLine(process.argv.slice(2));
