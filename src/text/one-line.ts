const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '\u001b': '\\e' };

/**
 * Text on one line of a terminal: escapes line breaks and control characters, which names of files and classes may
 * contain.
 */
export function oneLine(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu,
    (character) => SHORT[character] ?? `\\u{${character.codePointAt(0)!.toString(16)}}`,
  );
}

/** Longest word shown whole, in characters. File names have at most 255. */
const LONGEST = 300;

/**
 * A message for a terminal: `oneLine` for each line; shortens words that are too long, such as a path of thousands of
 * letters, to both ends.
 */
export function terminalText(message: string): string {
  const ends = LONGEST / 3;
  return message
    .split(/\r?\n/)
    .map(oneLine)
    .join('\n')
    .replace(/\S+/gu, (word) =>
      word.length > LONGEST ? `${word.slice(0, ends)}…${word.slice(-ends)}` : word,
    );
}
