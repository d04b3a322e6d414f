/** A process that writes one file again and again, for the test of what is left when it is killed. */
import { writeSync } from 'node:fs';
import { writeFileAtomically } from '../../src/files/write-file.ts';

const [, , path, letter] = process.argv;
const contents = letter!.repeat(4_000_000);
const write = (): void => {
  writeFileAtomically(path!, contents);
  writeSync(1, 'written\n');
  setImmediate(write);
};
write();
