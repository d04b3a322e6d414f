/**
 * Names and texts from files may hold anything: escape sequences that a terminal obeys, characters that turn the
 * direction of text, ends of lines. They are shown, as `\u001b`, which is an escape in JSON and in programs too.
 */

/** Control, format and separator characters, and halves of pairs. */
const unsafe = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;
const unsafeButLines = /[^\P{Cc}\n\t]|[\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

function escaped(character: string): string {
  return [...Array(character.length).keys()]
    .map((i) => `\\u${character.charCodeAt(i).toString(16).padStart(4, '0')}`)
    .join('');
}

/** Any text, on one line. */
export function onOneLine(text: string): string {
  return text.replace(unsafe, escaped);
}

/** A text of lines, as it is sent to a terminal. */
export function printable(text: string): string {
  return text.replace(unsafeButLines, escaped);
}
