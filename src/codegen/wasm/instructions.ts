/**
 * Walks the instructions of a WebAssembly function (core specification 2.0, section 5.4) and reports where the indices of
 * functions and globals stand, so that they can be numbered anew. The stream is flat: blocks need no recursion.
 *
 * What the kernels do not contain is refused rather than copied: tables, references, data segments, blocks that take or
 * leave several values, several memories, atomic operations.
 */
import type { ByteReader } from './bytes.ts';

/** What an index counts. */
export type IndexSpace = 'function' | 'global';

export interface IndexUse {
  readonly space: IndexSpace;
  readonly index: number;
  /** Where its encoding starts and ends, in the bytes of the reader. */
  readonly start: number;
  readonly end: number;
}

/** Reads instructions until the reader's end. Throws for one it does not know: nothing could be said of what follows. */
export function indexUses(reader: ByteReader): readonly IndexUse[] {
  const uses: IndexUse[] = [];
  const use = (space: IndexSpace): void => {
    const start = reader.at;
    uses.push({ space, index: reader.unsigned(), start, end: reader.at });
  };
  while (reader.at < reader.end) {
    const opcode = reader.byte();
    if (opcode === 0x10) use('function');
    else if (opcode === 0x23 || opcode === 0x24) use('global');
    else skipOperands(reader, opcode);
  }
  return uses;
}

/** Passes over the operands of an instruction that names no function, global or type. */
function skipOperands(reader: ByteReader, opcode: number): void {
  // Unreachable, nop, else, end, return, drop, select; comparisons, arithmetic and conversions of numbers.
  if ([0x00, 0x01, 0x05, 0x0b, 0x0f, 0x1a, 0x1b].includes(opcode) || (opcode >= 0x45 && opcode <= 0xc4)) return;
  if (opcode >= 0x02 && opcode <= 0x04) {
    // No result, or one of a value type; a larger number would be the index of a function type.
    const type = reader.byte();
    if (type < 0x40 || type > 0x7f) throw unknown(`${hexadecimal(opcode)} ${type}`);
    return;
  }
  // Branches, locals, sizes of memory, integer constants.
  if ([0x0c, 0x0d, 0x20, 0x21, 0x22, 0x3f, 0x40, 0x41, 0x42].includes(opcode)) reader.skipInteger();
  else if (opcode === 0x0e) {
    reader.vector(() => reader.skipInteger());
    reader.skipInteger();
  } else if (opcode === 0x1c) reader.vector(() => reader.byte());
  else if (opcode >= 0x28 && opcode <= 0x3e) skipMemoryArgument(reader);
  else if (opcode === 0x43) reader.skip(4);
  else if (opcode === 0x44) reader.skip(8);
  else if (opcode === 0xfc) skipBulkOperands(reader);
  else if (opcode === 0xfd) skipVectorOperands(reader);
  else throw unknown(hexadecimal(opcode));
}

/** Alignment, which would also say that a memory is named, and offset. */
function skipMemoryArgument(reader: ByteReader): void {
  const alignment = reader.unsigned();
  if (alignment >= 0x40) throw unknown(`.. ${alignment}`);
  reader.skipInteger();
}

/** Saturating conversions; copies and fills of memory. */
function skipBulkOperands(reader: ByteReader): void {
  const opcode = reader.unsigned();
  if (opcode <= 7) return;
  if (opcode === 10) reader.skip(2);
  else if (opcode === 11) reader.skip(1);
  else throw unknown(`fc ${opcode}`);
}

/** Vectors of 128 bits. */
function skipVectorOperands(reader: ByteReader): void {
  const opcode = reader.unsigned();
  if (opcode > 255) throw unknown(`fd ${opcode}`);
  if (opcode <= 11 || opcode === 92 || opcode === 93) skipMemoryArgument(reader);
  else if (opcode === 12 || opcode === 13) reader.skip(16);
  else if (opcode >= 21 && opcode <= 34) reader.skip(1);
  else if (opcode >= 84 && opcode <= 91) {
    skipMemoryArgument(reader);
    reader.skip(1);
  }
}

function hexadecimal(byte: number): string {
  return byte.toString(16).padStart(2, '0');
}

function unknown(opcode: string): Error {
  return new Error(`the WebAssembly kernels contain the instruction 0x${opcode}, which src/codegen/wasm does not know`);
}
