import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Folder of the weights that come with the package. Each has a model card, and a picture to try it on. */
const folder = fileURLToPath(new URL('../../weights/', import.meta.url));

/** Names of the models that come with the package. */
export const packagedModels = (): string[] => (existsSync(folder) ? readdirSync(folder).sort() : []);

/** The folder of a model that comes with the package; undefined for another name. */
export function packagedFolder(name: string): string | undefined {
  return packagedModels().includes(name) ? join(folder, name) : undefined;
}

/** The picture beside a packaged model's file of weights; undefined for another file. */
export function packagedPicture(path: string): string | undefined {
  const name = packagedModels().find((each) => dirname(path) === join(folder, each));
  if (name === undefined) return undefined;
  const picture = readdirSync(join(folder, name)).find((file) => file.endsWith('.jpg'));
  return picture && join(folder, name, picture);
}
