"""Writes tests/fixtures/coco/crowds.json.gz: scores of images with crowds that have no mask, by pycocotools 2.0.11.

    pip install pycocotools==2.0.11
    python3 tests/oracle/make_crowd_fixture.py

pycocotools refuses an annotation without `segmentation` where masks are compared; it is given the outline of the crowd's box. The fixture has
the annotations as users have them (no `segmentation`, null, or an empty list), the found objects, and the numbers of COCOeval.
"""
import copy

import numpy as np
from make_coco_fixtures import scores, write_zipped
from pycocotools import mask as masks

rng = np.random.default_rng(20261128)
NONE = [{}, {'segmentation': None}, {'segmentation': []}]


def text(rle):
    return {'size': [int(n) for n in rle['size']], 'counts': rle['counts'].decode()}


def disc(h, w, x, y, r):
    v, u = np.mgrid[:h, :w] + 0.5
    return np.asfortranarray(((u - x) ** 2 + (v - y) ** 2 <= r * r).astype(np.uint8))


def outline(box):
    x, y, w, h = box
    return [[x, y, x, y + h, x + w, y + h, x + w, y]]


def main():
    images, annotations, found = [], [], []
    for i in range(1, 9):
        h, w = int(rng.integers(60, 150)), int(rng.integers(60, 150))
        images.append({'id': i, 'file_name': f'{i}.png', 'width': w, 'height': h})
        for _ in range(int(rng.integers(1, 6))):
            of, x, y, r = int(rng.integers(1, 3)), *rng.uniform([5, 5, 4], [w - 5, h - 5, 40])
            rle = masks.encode(disc(h, w, x, y, r))
            shared = {'image_id': i, 'category_id': of}
            annotations.append({**shared, 'bbox': [float(v) for v in masks.toBbox(rle)], 'area': int(masks.area(rle)), 'iscrowd': 0, 'segmentation': text(rle)})
            for _ in range(int(rng.integers(0, 3))):
                near = masks.encode(disc(h, w, *(np.array([x, y, r]) + rng.normal(0, 2, 3))))
                if masks.area(near) > 0:
                    score = round(float(rng.random()), 1)
                    found.append({**shared, 'bbox': [float(v) for v in masks.toBbox(near)], 'segmentation': text(near), 'score': score})
        for n in range(int(rng.integers(1, 3))):
            x, y = rng.uniform(0, 0.6, 2) * [w, h]
            bw, bh = rng.uniform(0.2, 0.4, 2) * [w, h]
            box = [float(v) for v in (np.round([x, y, bw, bh]) if n else np.round([x, y, bw, bh], 2))]
            of = int(rng.integers(1, 3))
            # The area of the annotation, or of its box: larger than the largest found one, or smaller.
            annotations.append({'image_id': i, 'category_id': of, 'bbox': box, 'area': box[2] * box[3], 'iscrowd': 1, **NONE[len(annotations) % 3]})
            for _ in range(int(rng.integers(1, 5))):  # in the crowd, or half in it
                u, v = rng.uniform([box[0], box[1]], [box[0] + box[2], box[1] + box[3]])
                inside = masks.encode(disc(h, w, u, v, rng.uniform(3, 14)))
                score = round(float(rng.random()), 1)
                found.append({'image_id': i, 'category_id': of, 'bbox': [float(v) for v in masks.toBbox(inside)], 'segmentation': text(inside), 'score': score})
    for n, annotation in enumerate(annotations):
        annotation['id'] = n + 1
    categories = [{'id': 1, 'name': 'a'}, {'id': 2, 'name': 'b'}]
    truth = {'images': images, 'categories': categories, 'annotations': annotations}
    given = copy.deepcopy(truth)
    for annotation in given['annotations']:
        if not annotation.get('segmentation'):
            annotation['segmentation'] = outline(annotation['bbox'])
    expected = {kind: scores(given, found, kind) for kind in ('bbox', 'segm')}
    write_zipped('crowds.json.gz', {'truth': truth, 'found': found, 'scores': expected})


if __name__ == '__main__':
    main()
