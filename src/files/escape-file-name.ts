/** Names of tensors as names of files. */

/** `name` as a file name: what a path cannot hold is written `%XX`, as in a URL. */
export function escapeFileName(name: string): string {
  const escaped = [...new TextEncoder().encode(name)]
    .map((byte) => {
      const character = String.fromCharCode(byte);
      return /[A-Za-z0-9_.#-]/.test(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
    })
    .join('');
  return escaped === '.' || escaped === '..' ? escaped.replaceAll('.', '%2E') : escaped;
}
