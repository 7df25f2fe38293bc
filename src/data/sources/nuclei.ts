import { openBoxes } from '../boxes/open.ts';
import { verifyBoxes } from '../boxes/verify.ts';
import { openMasks } from '../masks/open.ts';
import { fetchNuclei, verifyNuclei } from '../nuclei/fetch.ts';
import type { SourceScheme } from './scheme.ts';

/** Nuclei of the Data Science Bowl 2018 with their masks, in the table of sources. */
export const nuclei: SourceScheme = {
  scheme: 'nuclei',
  splits: { val: 'its 60 images to validate on' },
  help: 'nuclei of the Data Science Bowl 2018 with masks, fetched when they are not in the cache: 274 training images of 256 pixels',
  example: 'nuclei',
  labelled: false,
  async open(split, options) {
    const home = await fetchNuclei(options);
    const name = split === '' ? 'nuclei' : `nuclei:${split}`;
    return { ...(await openMasks(`${home}@${split || 'train'}`)), name };
  },
  testSet: (split) => (split === '' ? 'nuclei:val' : undefined),
  fetch: async (options) =>
    `nuclei are in ${await fetchNuclei(options)} (Data Science Bowl 2018, licence CC0 1.0)`,
  async verify() {
    await verifyNuclei();
    return { lines: ['nuclei are complete: 274 training and 60 validation images'], sound: true };
  },
};

/** The same images with a box and a mask for each nucleus. */
export const nucleiObjects: SourceScheme = {
  scheme: 'nuclei-objects',
  splits: { val: 'their 60 images to validate on' },
  help: 'the same images with a box and a mask for each nucleus',
  example: 'nuclei-objects',
  labelled: false,
  async open(split, options) {
    const home = await fetchNuclei({ ...options, objects: true });
    const name = split === '' ? 'nuclei-objects' : `nuclei-objects:${split}`;
    return { ...(await openBoxes(`${home}@${split || 'train'}`)), name };
  },
  testSet: (split) => (split === '' ? 'nuclei-objects:val' : undefined),
  fetch: async (options) =>
    `nuclei one by one are in ${await fetchNuclei({ ...options, objects: true })} (Data Science Bowl 2018, licence CC0 1.0)`,
  async verify(split, options) {
    await verifyNuclei();
    return verifyBoxes(`${await fetchNuclei({ ...options, objects: true })}@${split || 'train'}`, options);
  },
};
