const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '\u001b': '\\e' };

/** Text on one line, for a terminal: names of files and classes may hold line breaks and other characters that command it. */
export function oneLine(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu,
    (character) => SHORT[character] ?? `\\u{${character.codePointAt(0)!.toString(16)}}`,
  );
}

/** Letters of the longest word that a message shows whole: names of files have at most 255. */
const LONGEST = 300;

/** A message for a terminal: line by line as `oneLine` shows it, and of endless words, such as a path of thousands of letters, both ends. */
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
