"""Masks, polygons and scores by pycocotools 2.0.11, for src/detect.

    pip install pycocotools==2.0.11
    python3 tests/oracle/make_coco_fixtures.py

Writes tests/fixtures/coco/masks.json.gz (run lengths in all forms, polygons, merges, overlaps) and scores.json.gz (random sets of true and
found objects with equal scores, crowds, classes without objects, and all numbers of COCOeval). tests/fixtures/coco/coco100 is given.
"""
import contextlib
import gzip
import io
import json
import os

import numpy as np
from pycocotools import mask as masks
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

HERE = os.path.join(os.path.dirname(__file__), '..', 'fixtures', 'coco')
rng = np.random.default_rng(20261127)


def text(rle):
    return {'size': [int(n) for n in rle['size']], 'counts': rle['counts'].decode()}


def blob(h, w):
    """A random mask: noise, discs or all of one value."""
    kind = rng.integers(4 if h * w < 1600 else 12)
    if kind == 0:
        return (rng.random((h, w)) < rng.random()).astype(np.uint8)
    if kind == 1:
        return np.full((h, w), rng.integers(2), np.uint8)
    y, x = np.mgrid[:h, :w]
    out = np.zeros((h, w), np.uint8)
    for _ in range(rng.integers(1, 4)):
        r = rng.uniform(0.5, max(h, w) / 2)
        out |= ((x - rng.uniform(0, w)) ** 2 + (y - rng.uniform(0, h)) ** 2 < r * r).astype(np.uint8)
    return out


def encode(mask):
    return masks.encode(np.asfortranarray(mask))


def polygon(h, w, kind):
    k = int(rng.integers(3, 10))
    points = np.stack([rng.uniform(-0.3 * w, 1.3 * w, k), rng.uniform(-0.3 * h, 1.3 * h, k)], 1)
    if kind == 0:
        points = np.clip(points, 0, [w, h])
    if kind == 1:
        points = np.round(points)
    if kind == 2:
        points = np.round(points * 2) / 2
    if kind == 3:  # points that stand twice, and lines back on themselves
        points = np.concatenate([points, points[-1:], points[-2:-1]])
    return [round(float(v), 3) for v in points.ravel()]


def mask_cases():
    cases = []
    for n in range(60):
        h, w = int(rng.integers(1, 40)), int(rng.integers(1, 40))
        a, b = blob(h, w), blob(h, w)
        ra, rb = encode(a), encode(b)
        cases.append({
            'size': [h, w],
            'pixels': ''.join(map(str, a.ravel())),
            'a': text(ra)['counts'],
            'b': text(rb)['counts'],
            'area': int(masks.area(ra)),
            'box': [float(v) for v in masks.toBbox(ra)],
            'union': text(masks.merge([ra, rb]))['counts'],
            'intersection': text(masks.merge([ra, rb], intersect=True))['counts'],
            'iou': float(masks.iou([ra], [rb], [0])[0, 0]),
            'crowd': float(masks.iou([ra], [rb], [1])[0, 0]),
        })
    polygons = []
    for n in range(240):
        h, w = int(rng.integers(1, 90)), int(rng.integers(1, 90))
        rings = [polygon(h, w, n % 5) for _ in range(1 if n % 3 else 2)]
        merged = masks.merge(masks.frPyObjects(rings, h, w))
        polygons.append({'size': [h, w], 'outlines': rings, 'counts': text(merged)['counts']})
    lists = []
    for n in range(20):
        h, w = int(rng.integers(1, 30)), int(rng.integers(1, 30))
        cuts = np.sort(rng.integers(0, h * w + 1, int(rng.integers(0, 9))))
        counts = [int(v) for v in np.diff(np.concatenate([[0], cuts, [h * w]]))]
        lists.append({'size': [h, w], 'list': counts,
                      'counts': text(masks.frPyObjects({'size': [h, w], 'counts': counts}, h, w))['counts']})
    return {'masks': cases, 'polygons': polygons, 'lists': lists}


def near(mask):
    """The mask, moved, grown or with noise."""
    out = np.roll(mask, rng.integers(-3, 4, 2), (0, 1))
    return out ^ (rng.random(mask.shape) < 0.001).astype(np.uint8)


def random_set(whole):
    """True and found objects. @param whole: boxes in whole pixels, whose overlaps often are exactly a threshold."""
    images, truths, found = [], [], []
    classes = [3, 7, 8, 20]  # gaps, and 20 has no object
    for i in rng.permutation(12):
        h, w = int(rng.integers(40, 160)), int(rng.integers(40, 160))
        image = {'id': int(i) * 5 + 1, 'width': w, 'height': h, 'file_name': f'{i}.jpg'}
        images.append(image)
        for _ in range(int(rng.integers(0, 7))):
            mask = blob(h, w)
            if mask.sum() == 0:
                continue
            rle = encode(mask)
            box = [float(v) for v in masks.toBbox(rle)]
            if not whole:
                box = [round(v + float(rng.uniform(-1, 1)), 2) for v in box]
                box[2:] = [max(0.5, v) for v in box[2:]]
            truths.append({'id': len(truths) + 1, 'image_id': image['id'], 'category_id': int(rng.choice(classes[:3])),
                           'bbox': box, 'area': float(mask.sum()) if rng.random() < 0.7 else box[2] * box[3],
                           'iscrowd': int(rng.random() < 0.2), 'segmentation': text(rle)})
            for _ in range(int(rng.integers(0, 4))):
                moved = near(mask)
                other = [v + float(rng.integers(-3, 4)) if whole else round(v + float(rng.normal(0, 3)), 2) for v in box]
                other[2:] = [max(1.0, v) for v in other[2:]]
                same = rng.random() < 0.85
                found.append({'image_id': image['id'],
                              'category_id': truths[-1]['category_id'] if same else int(rng.choice(classes)),
                              'bbox': other, 'score': round(float(rng.random()), 1), 'segmentation': text(encode(moved))})
        for _ in range(int(rng.integers(0, 3))):  # found where there is nothing
            mask = blob(h, w)
            found.append({'image_id': image['id'], 'category_id': int(rng.choice(classes)),
                          'bbox': [float(v) for v in masks.toBbox(encode(mask))], 'score': round(float(rng.random()), 1),
                          'segmentation': text(encode(mask))})
    order = rng.permutation(len(found))
    return {'images': images, 'categories': [{'id': c, 'name': f'c{c}'} for c in classes], 'annotations': truths}, [found[i] for i in order]


def scores(annotations, found, kind, merged=False, limits=(1, 10, 100)):
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        truth.dataset = json.loads(json.dumps(annotations))
        truth.createIndex()
        results = json.loads(json.dumps(found))
        if kind == 'segm':  # as detectron2: areas are those of the masks
            for each in results:
                each.pop('bbox')
        evaluation = COCOeval(truth, truth.loadRes(results), kind)
        evaluation.params.useCats = 0 if merged else 1
        evaluation.params.maxDets = list(limits)
        evaluation.evaluate()
        evaluation.accumulate()
    precision, recall = evaluation.eval['precision'], evaluation.eval['recall']

    def mean(values):
        values = values[values > -1]
        return float(values.mean()) if values.size else -1

    out = {'AP': mean(precision[:, :, :, 0, -1]), 'AP50': mean(precision[0, :, :, 0, -1]), 'AP75': mean(precision[5, :, :, 0, -1])}
    for a, letter in ((1, 's'), (2, 'm'), (3, 'l')):
        out['AP' + letter] = mean(precision[:, :, :, a, -1])
        out['AR' + letter] = mean(recall[:, :, a, -1])
    for m, limit in enumerate(limits):
        out[f'AR{limit}'] = mean(recall[:, :, 0, m])
    if not merged:
        out['classes'] = [mean(precision[:, :, k, 0, -1]) for k in range(precision.shape[2])]
        assert np.isclose(out['AP'], mean(precision[:, :, :, 0, -1]))
    return out


def all_scores(annotations, found):
    return {'bbox': scores(annotations, found, 'bbox'), 'segm': scores(annotations, found, 'segm'),
            'proposals': scores(annotations, found, 'bbox', True, (1, 3, 1000)),
            'few': scores(annotations, found, 'segm', False, (1, 2))}


def write_zipped(name, content):
    with open(os.path.join(HERE, name), 'wb') as raw, gzip.GzipFile('', 'wb', 9, raw, mtime=0) as file:
        file.write(json.dumps(content, separators=(',', ':')).encode())


if __name__ == '__main__':
    os.makedirs(HERE, exist_ok=True)
    write_zipped('masks.json.gz', mask_cases())
    sets = []
    for n in range(6):
        annotations, found = random_set(n % 2 == 0)
        sets.append({'annotations': annotations, 'found': found, 'scores': all_scores(annotations, found)})
    write_zipped('scores.json.gz', sets)
