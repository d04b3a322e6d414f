#!/usr/bin/env node
/** Entry of the command `sublinear`. */
import { failureOf, runCommandLine } from './program.ts';
import { watchStandardStreams } from './standard-streams.ts';

const argv = process.argv.slice(2);
watchStandardStreams();
// What no command could catch, as an error of a thread.
process.on('uncaughtException', (error) => process.exit(failureOf(error, argv)));
process.exitCode = await runCommandLine(argv);
