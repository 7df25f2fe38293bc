const root = new URL('../', import.meta.url).href;
const built = new URL('../dist/', root).href;

/**
 * URL of the script of a thread or process, next to a module. Node 20 does not run TypeScript in a worker, so the
 * sources use the built file too.
 * @param module `import.meta.url`
 * @param name file name without its ending
 */
export function workerScript(module: string, name: string): URL {
  return new URL(`${name}.js`, module.startsWith(root) ? built + module.slice(root.length) : module);
}
