/** Words as a line that a shell takes apart into the same words: those with other than plain characters are quoted. */
export function shellLine(...words: readonly string[]): string {
  return words.map(quoted).join(' ');
}

function quoted(word: string): string {
  // A leading `~` of a word, or of a path after a colon, is the home folder to the program too.
  return /^[\w.,:/~=@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
