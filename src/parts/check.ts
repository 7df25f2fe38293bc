import { loadAugmentation } from '../data/augment/load-own.ts';
import type { Dataset } from '../data/sources/dataset.ts';
import type { SourceScheme } from '../data/sources/scheme.ts';
import { targetNames } from '../nn/targets/table.ts';
import { maskNames } from '../tasks/masks/table.ts';
import { taskNames } from '../tasks/table.ts';
import { checkedMask, checkedTarget, checkedTask } from './check-task.ts';
import type { RunEvaluator } from './evaluator.ts';
import type { Parts } from './parts.ts';
import { require, requireMethods, requireNames } from './rules.ts';

/**
 * The parts, which throw a PartError wherever they break a rule of their interfaces. Rejects with one for objects that are no such
 * parts at all, and for modules that do not load.
 */
export async function checkedParts({
  tasks,
  masks,
  targets,
  sources,
  augmentations,
  evaluators,
  engine,
}: Parts = {}): Promise<Parts> {
  if (tasks) requireNames('tasks', tasks, 'name', taskNames);
  if (masks) requireNames('masks', masks, 'name', maskNames);
  if (targets) requireNames('targets', targets, 'name', targetNames);
  if (sources) requireNames('sources', sources, 'scheme');
  if (augmentations) requireNames('augmentations', augmentations, 'name');
  if (evaluators) requireNames('evaluators', evaluators, 'name');
  if (engine) {
    const label = 'the own engine';
    requireMethods(engine, label, ['open'], 'it opens a session that holds the weights');
    for (const key of ['name', 'description'] as const)
      require(typeof engine[key] === 'string', label, `have a ${key}, a text`, engine[key]);
  }
  for (const place of augmentations ?? []) await loadAugmentation(place);
  evaluators?.forEach(checkEvaluator);
  return {
    ...(tasks && { tasks: tasks.map(checkedTask) }),
    ...(masks && { masks: masks.map(checkedMask) }),
    ...(targets && { targets: targets.map(checkedTarget) }),
    ...(sources && { sources: sources.map(checkedSource) }),
    ...{ augmentations, evaluators, engine },
  };
}

function checkEvaluator(evaluator: RunEvaluator): void {
  const label = `the own evaluator "${evaluator.name}"`;
  const { every = 1 } = evaluator;
  requireMethods(evaluator, label, ['run'], "it yields scores: async *run(session) { yield ['name', 1]; }");
  require(Number.isSafeInteger(every) &&
    every >= 1, label, 'have "every", a whole number of epochs of at least 1', every);
}

function checkedSource(source: SourceScheme): SourceScheme {
  const label = `the own source "${source.scheme}"`;
  requireMethods(
    source,
    label,
    ['open'],
    'it resolves to a data set: { name, length, contentKey, id, image }',
  );
  return {
    ...source,
    help: source.help ?? 'images of your own',
    async open(rest, options) {
      const dataset = await source.open(rest, options);
      const { name, length, contentKey } = (dataset ?? {}) as Partial<Dataset>;
      require(typeof name === 'string' &&
        typeof contentKey === 'string', label, 'open a data set with name and contentKey, texts', dataset && [
        name,
        contentKey,
      ]);
      require(Number.isSafeInteger(length) &&
        length! > 0, label, 'open a data set of 1 image or more', length);
      requireMethods(
        dataset,
        `the data set of ${label}`,
        ['id', 'image'],
        'id names an image, image gives its pixels',
      );
      const { labels, classes } = dataset;
      const labelled =
        !labels || (labels instanceof Int32Array && labels.length === length && classes !== undefined);
      require(labelled, `the data set of ${label}`, 'have labels, an Int32Array of one for each image, and classes, or neither', labels);
      return dataset;
    },
  };
}
