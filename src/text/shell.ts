/** Words as a shell command line. Quotes each word that contains special characters. */
export function shellLine(...words: readonly string[]): string {
  return words.map((word) => quoted(word)).join(' ');
}

/** One word of a command line, quoted if necessary. */
export function quoted(word: string, platform: NodeJS.Platform = process.platform): string {
  // Both shells of Windows take double quotes. A file name contains none, and a backslash escapes only a quote next
  // to it.
  if (platform === 'win32')
    return /^[\w.:\\/~=+-]+$/.test(word)
      ? word
      : `"${word.replace(/(\\*)"/g, '$1$1\\"').replace(/\\+$/, '$&$&')}"`;
  // The shell expands a leading `~` of a word, or of a path after a colon.
  return /^[\w.,:/~=@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
