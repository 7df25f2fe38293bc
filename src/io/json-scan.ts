/** Faults that `JSON.parse` does not report: duplicate keys and excessive nesting. */
export type JsonFault = { readonly kind: 'duplicate key'; readonly key: string } | { readonly kind: 'depth' };

/**
 * Scans JSON text for duplicate object keys (`JSON.parse` silently keeps the last) and for nesting deeper than
 * `maxDepth`. Returns the first fault, or undefined. The text may be invalid: `JSON.parse` checks that.
 */
export function findJsonFault(text: string, maxDepth: number): JsonFault | undefined {
  const keys: (Set<string> | undefined)[] = []; // of the open objects and lists
  let lastString = '';
  for (let i = 0; i < text.length; i++) {
    const character = text[i];
    if (character === '"') {
      const start = i;
      for (i++; i < text.length && text[i] !== '"'; i++) if (text[i] === '\\') i++;
      lastString = text.slice(start, i + 1);
    } else if (character === '{' || character === '[') {
      if (keys.push(character === '{' ? new Set() : undefined) > maxDepth) return { kind: 'depth' };
    } else if (character === '}' || character === ']') {
      keys.pop();
    } else if (character === ':') {
      const key = decode(lastString);
      const open = keys.at(-1);
      if (open?.has(key)) return { kind: 'duplicate key', key };
      open?.add(key);
    }
  }
  return undefined;
}

/** `"a"` and `"\u0061"` are the same key. */
function decode(literal: string): string {
  if (!literal.includes('\\')) return literal.slice(1, -1);
  try {
    return String(JSON.parse(literal));
  } catch {
    return literal;
  }
}
