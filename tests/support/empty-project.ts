import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { extract } from 'tar';

const repository = fileURLToPath(new URL('../../', import.meta.url));
const execute = promisify(execFile);

/**
 * An empty TypeScript project in which the packed tarball is installed. Its dependencies are those of this repository, linked, so that no
 * registry is asked.
 */
export async function emptyProject(folder: string): Promise<void> {
  const modules = join(folder, 'node_modules');
  const target = join(modules, 'beyond-masking');
  await mkdir(target, { recursive: true });
  const pack = ['pack', '--ignore-scripts', '--json', '--pack-destination', folder];
  const { stdout } = await execute('npm', pack, { cwd: repository, shell: process.platform === 'win32' });
  const [{ filename }] = JSON.parse(stdout) as [{ filename: string }];
  await extract({ file: join(folder, filename), cwd: target, strip: 1 });
  for (const name of await readdir(join(repository, 'node_modules')))
    if (!name.startsWith('.') && !existsSync(join(modules, name)))
      await symlink(join(repository, 'node_modules', name), join(modules, name), 'junction');
  await writeFile(join(folder, 'package.json'), JSON.stringify({ type: 'module', private: true }));
  const compilerOptions = {
    strict: true,
    module: 'nodenext',
    target: 'es2023',
    types: ['node'],
    outDir: 'built',
    rootDir: 'src',
  };
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['src'] }));
}

/** Writes the files of a project, compiles all under `strict`, and resolves to what the compiler says: nothing where all is well. */
export async function compile(folder: string, files: Readonly<Record<string, string>>): Promise<string> {
  for (const [name, text] of Object.entries(files)) {
    const path = join(folder, 'src', name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text);
  }
  const compiler = join(repository, 'node_modules', 'typescript', 'bin', 'tsc');
  return execute(process.execPath, [compiler, '-p', folder]).then(
    ({ stdout }) => stdout,
    (error: { stdout: string; message: string }) => error.stdout || error.message,
  );
}

/** Runs a compiled program in the project's folder, and resolves to its output. Rejects where it fails. */
export async function runProgram(folder: string, name: string): Promise<string> {
  const env = { ...process.env, BEYOND_MASKING_CACHE: join(folder, 'cache') };
  const { stdout } = await execute(process.execPath, [join('built', name)], { cwd: folder, env });
  return stdout;
}
