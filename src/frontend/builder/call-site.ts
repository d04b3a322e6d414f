/** Where in the user's program a builder method was called: `file:line`, for errors, text and drawings. */
import { fileURLToPath } from 'node:url';

/** Frames of these folders are the library's own. */
const own = new URL('.', import.meta.url).href;

/** The nearest frame outside the builder, its path cut to the last two parts; undefined where there is no stack. */
export function callSite(): string | undefined {
  const { stack } = new Error();
  if (stack === undefined) return undefined;
  for (const line of stack.split('\n').slice(1)) {
    const match = /(?:\(|at )((?:file:\/\/|\/|[A-Za-z]:\\)[^()]*?):(\d+):\d+\)?$/.exec(line.trim());
    if (match === null) continue;
    const file = match[1]!;
    if (file.startsWith(own) || file.startsWith(fileURLToPath(own)) || file.includes('node:internal')) continue;
    const parts = file.replace(/\?.*$/, '').split(/[\\/]/);
    return `${parts.slice(-2).join('/')}:${match[2]}`;
  }
  return undefined;
}
