import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/**
 * Imports of built modules from outside, each with the importing files, over all modules that `entry` reaches by
 * static and dynamic imports. Built files contain no types. A dynamic import of an expression is listed as
 * `import(…)`.
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

/** Includes calls with an expression as the argument, and globals that only Node has. */
function specifiers(source: string): string[] {
  const code = source.replaceAll(/^\s*(\/?\*|\/\/).*$/gm, ''); // without lines of comments
  const open = source.replaceAll(fixed, '').match(/\b(?:import|require)\(/g) ?? [];
  return [
    ...[...source.matchAll(fixed)].map((match) => match[2]!),
    ...open.map((call) => `${call}…)`),
    ...(code.match(/\b(?:process|Buffer|__dirname)\b(?=[.(])/g) ?? []),
  ];
}
