/**
 * Tensors whose bytes lie in a file beside the model. The file must lie in the model's own directory: a model must not
 * read whatever else is on the machine.
 */
import { closeSync, existsSync, openSync, readSync, realpathSync, statSync } from 'node:fs';
import { isAbsolute, relative, resolve, sep } from 'node:path';
import { type TensorProto, TensorProto_DataLocation } from 'onnx-buf';
import { type Diagnostic, SublinearError } from '../../ir/diagnostic.ts';

export function isExternal(proto: TensorProto): boolean {
  return proto.dataLocation === TensorProto_DataLocation.EXTERNAL;
}

/**
 * The raw bytes of an external tensor. Throws `SublinearError`: `missing-external-data`, `external-data-outside`,
 * `truncated-file`.
 */
export function readExternalData(proto: TensorProto, directory: string | undefined): Uint8Array {
  const tensor = `tensor ${JSON.stringify(proto.name)}`;
  const entries = new Map(proto.externalData.map(({ key, value }) => [key, value]));
  const location = entries.get('location');
  if (location === undefined)
    throw failure({
      code: 'missing-external-data',
      message: `${tensor} has external data, but no location for it`,
    });
  if (directory === undefined)
    throw failure({
      code: 'missing-external-data',
      message: `${tensor} lies in the external file ${JSON.stringify(location)}, but the model's directory is not known`,
      hint: 'give the directory in which the model lies',
    });
  const path = resolve(directory, location);
  if (isAbsolute(location) || !isInside(directory, path)) throw outside(tensor, location);
  const { size, real } = ofFileSystem(tensor, location, () => ({ size: fileSize(path), real: realPath(path) }));
  if (size === undefined || real === undefined)
    throw failure({
      code: 'missing-external-data',
      message: `${tensor} lies in ${path}, which is not there`,
      hint: `put ${JSON.stringify(location)} beside the model`,
    });
  if (!isInside(realpathSync(directory), real)) throw outside(tensor, location);
  const offset = Number(entries.get('offset') ?? 0);
  const length = Number(entries.get('length') ?? size - offset);
  if (!Number.isSafeInteger(offset) || !Number.isSafeInteger(length) || offset < 0 || length < 0)
    throw failure({
      code: 'malformed-tensor',
      message: `${tensor} names no valid range of ${JSON.stringify(location)}: offset ${entries.get('offset')}, length ${entries.get('length')}`,
    });
  if (offset + length > size)
    throw failure({
      code: 'truncated-file',
      message: `${tensor} ends at byte ${offset + length} of ${path}, which has ${size}`,
      hint: 'the file is damaged or was cut short',
    });
  return ofFileSystem(tensor, location, () => readRange(path, offset, length));
}

/** Whatever the file system says of a location (a loop of links, a name that is too long, no permission) is the file's fault. */
function ofFileSystem<T>(tensor: string, location: string, ask: () => T): T {
  try {
    return ask();
  } catch (error) {
    throw failure({
      code: 'missing-external-data',
      message: `${tensor} lies in ${JSON.stringify(location)}, which cannot be read: ${error instanceof Error ? error.message : String(error)}`,
      hint: 'put the file that the model names beside it',
    });
  }
}

function realPath(path: string): string | undefined {
  return existsSync(path) ? realpathSync(path) : undefined;
}

function failure(diagnostic: Diagnostic): SublinearError {
  return new SublinearError(diagnostic);
}

function outside(tensor: string, location: string): SublinearError {
  return failure({
    code: 'external-data-outside',
    message: `${tensor} lies in ${JSON.stringify(location)}, outside the model's directory`,
    hint: 'external data must lie beside the model or below it',
  });
}

function isInside(directory: string, path: string): boolean {
  const way = relative(resolve(directory), path);
  return way !== '' && way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

function fileSize(path: string): number | undefined {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats?.isFile() ? stats.size : undefined;
}

function readRange(path: string, offset: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  const file = openSync(path, 'r');
  try {
    let done = 0;
    while (done < length) {
      const count = readSync(file, bytes, done, Math.min(length - done, 1 << 30), offset + done);
      if (count === 0) break;
      done += count;
    }
  } finally {
    closeSync(file);
  }
  return bytes;
}
