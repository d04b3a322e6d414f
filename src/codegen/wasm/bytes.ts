/** Bytes of a WebAssembly module: reading them in order, and the numbers in LEB128 of which it is made (5.2.2). */

export class ByteReader {
  readonly bytes: Uint8Array;
  at: number;
  readonly end: number;

  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    this.bytes = bytes;
    this.at = start;
    this.end = end;
  }

  byte(): number {
    if (this.at >= this.end) throw new Error('the WebAssembly module ends in the middle of something');
    return this.bytes[this.at++]!;
  }

  /** An unsigned integer of at most 32 bits. */
  unsigned(): number {
    let value = 0;
    let scale = 1;
    for (let byte = this.byte(); ; byte = this.byte()) {
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 128;
    }
  }

  /** Passes over an integer of any size, signed or not. */
  skipInteger(): void {
    while (this.byte() >= 0x80);
  }

  skip(count: number): void {
    this.at += count;
    if (this.at > this.end) throw new Error('the WebAssembly module ends in the middle of something');
  }

  /** The next `count` bytes. */
  take(count: number): Uint8Array {
    const start = this.at;
    this.skip(count);
    return this.bytes.subarray(start, this.at);
  }

  /** As many of what `read` reads as the number before them says. */
  vector<T>(read: () => T): readonly T[] {
    return Array.from({ length: this.unsigned() }, read);
  }
}

/** The shortest encoding. */
export function unsignedBytes(value: number): readonly number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 128) {
    bytes.push((rest % 128) + 128);
    rest = Math.floor(rest / 128);
  }
  bytes.push(rest);
  return bytes;
}

/** The count of `items`, then these. */
export function vectorBytes(items: readonly ArrayLike<number>[]): Uint8Array {
  return concatBytes([unsignedBytes(items.length), ...items]);
}

/** The length of `bytes`, then these. */
export function sizedBytes(bytes: ArrayLike<number>): Uint8Array {
  return concatBytes([unsignedBytes(bytes.length), bytes]);
}

export function concatBytes(parts: readonly ArrayLike<number>[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
