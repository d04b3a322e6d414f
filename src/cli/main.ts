#!/usr/bin/env node
/** Entry of the command `sublinear`. */
import { runCommandLine } from './program.ts';

process.exitCode = await runCommandLine(process.argv.slice(2));
