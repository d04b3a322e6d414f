/** Bytes of `.npy` files, for tests: as NumPy writes them, version 1 with the header padded to 64 bytes. */
export function npyBytes(
  descr: string,
  shape: readonly number[],
  data: NodeJS.TypedArray,
  options: { readonly fortran?: boolean; readonly version?: 1 | 2 } = {},
): Uint8Array {
  const { fortran = false, version = 1 } = options;
  const shapeText = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  const text = `{'descr': '${descr}', 'fortran_order': ${fortran ? 'True' : 'False'}, 'shape': (${shapeText}), }`;
  const head = version === 1 ? 10 : 12;
  const length = Math.ceil((head + text.length + 1) / 64) * 64 - head;
  const bytes = new Uint8Array(head + length + data.byteLength);
  bytes.set([0x93, ...new TextEncoder().encode('NUMPY'), version, 0]);
  const view = new DataView(bytes.buffer);
  if (version === 1) view.setUint16(8, length, true);
  else view.setUint32(8, length, true);
  bytes.set(new TextEncoder().encode(`${text.padEnd(length - 1)}\n`), head);
  bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), head + length);
  return bytes;
}
