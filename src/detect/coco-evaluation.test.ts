import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { CocoEvaluation, type CocoEvaluationOptions, type CocoScores } from './coco-evaluation.ts';
import type { CocoBox, FoundObject, TrueObject } from './coco-objects.ts';
import { rleFromText } from './rle-text.ts';

interface Annotations {
  images: { id: number }[];
  categories: { id: number }[];
  annotations: {
    image_id: number;
    category_id: number;
    bbox: CocoBox;
    area: number;
    iscrowd: number;
    segmentation: { size: [number, number]; counts: string };
  }[];
}
type Found = Pick<
  Annotations['annotations'][number],
  'image_id' | 'category_id' | 'bbox' | 'segmentation'
> & {
  score: number;
};

const read = (name: string) => {
  const bytes = readFileSync(`tests/fixtures/coco/${name}`);
  return JSON.parse((name.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString());
};

function scoresOf(
  { images, categories, annotations }: Annotations,
  found: readonly Found[],
  options: Omit<CocoEvaluationOptions, 'classes'>,
): CocoScores {
  const ids = categories.map(({ id }) => id).sort((a, b) => a - b);
  const evaluation = new CocoEvaluation({ classes: ids.length, ...options });
  const common = ({
    category_id,
    bbox,
    segmentation: { size, counts },
  }: Found | Annotations['annotations'][0]) => ({
    class: ids.indexOf(category_id),
    box: bbox,
    mask: rleFromText(counts, size),
  });
  for (const { id } of [...images].sort((a, b) => a.id - b.id)) {
    const truths = annotations
      .filter(({ image_id }) => image_id === id)
      .map((each): TrueObject => ({ ...common(each), area: each.area, crowd: each.iscrowd === 1 }));
    const own = found
      .filter(({ image_id }) => image_id === id)
      .map((each): FoundObject => ({ ...common(each), score: each.score }));
    evaluation.add(truths, own);
  }
  return evaluation.scores();
}

/** Every number that pycocotools gave. */
function expectScores(scores: CocoScores, expected: Record<string, number | number[]>) {
  const { AR, ...rest } = scores;
  const flat: Record<string, unknown> = { ...rest };
  for (const [limit, value] of Object.entries(AR)) flat[`AR${limit}`] = value;
  let compared = 0;
  for (const [name, value] of Object.entries(expected))
    for (const [k, wanted] of [value].flat().entries()) {
      const got = Array.isArray(value) ? (flat[name] as number[])[k]! : (flat[name] as number);
      expect(Math.abs(got - wanted), `${name} ${k}: ${got} and ${wanted}`).toBeLessThan(1e-12);
      compared++;
    }
  expect(compared).toBeGreaterThanOrEqual(11);
}

describe('scores are those of pycocotools', () => {
  const annotations: Annotations = read('coco100/instances_val2017.json.gz');
  const found: Found[] = read('coco100/detections.json.gz');
  const expected = read('coco100/expected.json');
  it.each([
    ['boxes', 'bbox'],
    ['masks', 'segm'],
  ] as const)('%s of 100 images of COCO', (of, kind) => {
    expectScores(scoresOf(annotations, found, { of }), expected[kind]);
  });

  const sets: {
    annotations: Annotations;
    found: Found[];
    scores: Record<'bbox' | 'segm' | 'proposals' | 'few', Record<string, number | number[]>>;
  }[] = read('scores.json.gz');
  it.each(sets.map((set, n) => [n, set] as const))('random set %i with equal scores and crowds', (_, set) => {
    const { annotations, found, scores } = set;
    expect(annotations.annotations.some(({ iscrowd }) => iscrowd)).toBe(true);
    expectScores(scoresOf(annotations, found, { of: 'boxes' }), scores.bbox);
    expectScores(scoresOf(annotations, found, { of: 'masks' }), scores.segm);
    const proposals = { of: 'boxes', merged: true, limits: [1, 3, 1000] } as const;
    expectScores(scoresOf(annotations, found, proposals), scores.proposals);
    expectScores(scoresOf(annotations, found, { of: 'masks', limits: [1, 2] }), scores.few);
  });
});

const object = { class: 0, box: [0, 0, 10, 10] as const };

it('objects that need not be found cost nothing, found or not', () => {
  for (const found of [[], [{ ...object, score: 0.9 }]]) {
    const evaluation = new CocoEvaluation({ of: 'boxes', classes: 1 });
    evaluation.add([{ ...object, area: 100, ignore: true }], found);
    evaluation.add([{ ...object, area: 100 }], [{ ...object, score: 0.5 }]);
    expect(evaluation.scores().AP).toBeCloseTo(1, 14);
  }
});

it('without objects there is no score; without found ones it is 0', () => {
  const evaluation = new CocoEvaluation({ of: 'boxes', classes: 2 });
  expect(evaluation.scores()).toMatchObject({ AP: -1, AR: { 1: -1, 10: -1, 100: -1 }, classes: [-1, -1] });
  evaluation.add([{ ...object, area: 100 }], []);
  expect(evaluation.scores()).toMatchObject({ AP: 0, APs: 0, APm: -1, AR: { 100: 0 }, classes: [0, -1] });
});

it('refuses impossible settings and objects', () => {
  const evaluation = new CocoEvaluation({ of: 'masks', classes: 2 });
  expect(() => evaluation.add([{ ...object, class: 2, area: 1 }], [])).toThrow('whole number below 2, got 2');
  expect(() => evaluation.add([], [{ ...object, score: Number.NaN }])).toThrow('must be a number, got NaN');
  expect(() => evaluation.add([], [{ ...object, score: 1 }])).toThrow('need a mask of each object');
  expect(() => new CocoEvaluation({ of: 'boxes', classes: 1, limits: [10, 1] })).toThrow('growing');
  expect(() => new CocoEvaluation({ of: 'boxes', classes: 0 })).toThrow('at least 1, got 0');
});
