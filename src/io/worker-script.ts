const root = new URL('../', import.meta.url).href;
const built = new URL('../dist/', root).href;

/**
 * The script of a thread or process that lies beside a module. Node 20 runs no TypeScript in a worker: from the sources, too,
 * it is the built file that runs. @param module `import.meta.url` @param name without its ending
 */
export function workerScript(module: string, name: string): URL {
  return new URL(`${name}.js`, module.startsWith(root) ? built + module.slice(root.length) : module);
}
