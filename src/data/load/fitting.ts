import { ChannelsError } from '../decode/reading.ts';
import { DataError } from '../error.ts';
import type { Dataset } from '../sources/dataset.ts';
import { sampleRng } from './sampler.ts';
import { makeView, type ViewOptions, viewBytes } from './views.ts';

const TRIED = 8;

/**
 * Rejects with a DataError when images have other channels than the model: all of a few that are tried; one is enough where
 * it fits. So a data set that does not fit is refused at once, while single images of other channels are broken ones.
 */
export async function requireFitting(
  dataset: Dataset,
  options: Omit<ViewOptions, 'augmenter'> & { readonly augmenter?: unknown },
): Promise<void> {
  const count = Math.min(TRIED, dataset.length);
  let first: string | undefined;
  for (let i = 0; i < count; i++) {
    const index = Math.floor((i * dataset.length) / count);
    try {
      const from = dataset.source?.(index) ?? (await dataset.image(index, options));
      const { augmenter: _, ...plain } = options;
      await makeView(from, plain, sampleRng(0, 0, index), new Uint8Array(viewBytes(options)), 0);
      return;
    } catch (error) {
      if (!(error instanceof ChannelsError)) return; // it is reported with the batch that it is in
      first ??= `${dataset.id(index)}: ${error.message}`;
    }
  }
  throw new DataError(`no image of '${dataset.name}' fits the model, the first being ${first}`);
}
