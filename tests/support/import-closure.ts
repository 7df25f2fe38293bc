import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/**
 * What built modules import from outside, each with the files that do: all that `entry` reaches by static and dynamic imports.
 * Types are gone from built files. A dynamic import of anything but a text is listed as `import(…)`.
 */
export function outsideImports(entry: URL): Map<string, string[]> {
  const outside = new Map<string, string[]>();
  const seen = new Set<string>();
  const todo = [entry];
  for (let module = todo.pop(); module; module = todo.pop()) {
    if (seen.has(module.href)) continue;
    seen.add(module.href);
    for (const specifier of specifiers(readFileSync(module, 'utf8')))
      if (/^\.{0,2}\//.test(specifier)) todo.push(new URL(specifier, module));
      else outside.set(specifier, [...(outside.get(specifier) ?? []), fileURLToPath(module)]);
  }
  return outside;
}

const fixed =
  /(?:^(?:import|export)\b[^'"`;()=]*\bfrom|^import|\bimport\(|\brequire\()\s*(['"`])([^'"`]*)\1/gm;

/** Also calls whose argument is no text, and globals that only Node has. */
function specifiers(source: string): string[] {
  const open = source.replaceAll(fixed, '').match(/\b(?:import|require)\(/g) ?? [];
  return [
    ...[...source.matchAll(fixed)].map((match) => match[2]!),
    ...open.map((call) => `${call}…)`),
    ...(source.match(/\b(?:process|Buffer|__dirname)\b(?=[.(])/g) ?? []),
  ];
}
