// Features of my photos, and the photos most like the first one; what NumPy reads, read back.
import { embed, nearest, openDataset, openImages } from 'beyond-masking';
import { openEngine } from 'beyond-masking/engines';
import { readNpy } from 'beyond-masking/io';

const engine = await openEngine({ name: 'reference' });
const refused = await openDataset('images/class0/000.png').catch((error: Error) => error.message);
console.log(refused);
const photos = await embed('runs/task', 'images', { engine, output: 'photos.npy' });
const one = await embed('runs/task', await openImages(['images/class0/000.png']), {
  engine,
  featureCache: false,
});
const found = nearest(photos, one.features, { k: 3 });
console.log(found[0]?.name, found[0]?.similarity.toFixed(6), found.length);
const { shape, data } = await readNpy('photos.npy');
const same = data instanceof Float32Array && data.every((value, i) => value === photos.features[i]);
console.log(shape, same, photos.names.length);
