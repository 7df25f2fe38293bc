/** Words as a line that a shell takes apart into the same words: those with other than plain characters are quoted. */
export function shellLine(...words: readonly string[]): string {
  return words.map((word) => quoted(word)).join(' ');
}

/** One word of such a line. */
export function quoted(word: string, platform: NodeJS.Platform = process.platform): string {
  // Both shells of Windows take double quotes; a name has none there, and a backslash ends no quotation that it does not touch.
  if (platform === 'win32')
    return /^[\w.:\\/~=+-]+$/.test(word)
      ? word
      : `"${word.replace(/(\\*)"/g, '$1$1\\"').replace(/\\+$/, '$&$&')}"`;
  // A leading `~` of a word, or of a path after a colon, is the home folder to the program too.
  return /^[\w.,:/~=@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
