"""The same objects in COCO's JSON, PASCAL VOC's XML and YOLO's texts by globox and pascal_voc_writer, pictures by Pillow.

    pip install globox==2.9.0 pascal_voc_writer==0.1.4 Pillow
    python3 tests/oracle/make_boxes_fixture.py

Writes tests/fixtures/boxes: images/ (one is turned by its EXIF orientation), instances.json, voc/, voc-writer/, yolo/ and boxes.json, which
says what is in them: the objects of each image as [class, left, top, right, bottom].
"""
import json
import os
import random
import re
import shutil

from globox import Annotation, AnnotationSet, BoundingBox
from pascal_voc_writer import Writer
from PIL import Image

HERE = os.path.join(os.path.dirname(__file__), '..', 'fixtures', 'boxes')
random.seed(20261127)
shutil.rmtree(HERE, ignore_errors=True)
for name in ('images', 'voc', 'voc-writer', 'yolo'):
    os.makedirs(os.path.join(HERE, name))

CLASSES = ['red cell', 'white cell', 'platelet & co']
sizes = {'upright': (48, 32), 'turned': (30, 50), 'empty': (20, 20)}  # width, height of the upright picture
expected = {}
annotations = []
for name, (width, height) in sizes.items():
    stored = Image.new('RGB', (height, width) if name == 'turned' else (width, height), (90, 120, 150))
    exif = Image.Exif()
    if name == 'turned':
        exif[0x0112] = 6
    stored.save(os.path.join(HERE, 'images', f'{name}.jpg'), exif=exif, quality=50)
    objects = []
    for _ in range(0 if name == 'empty' else 4):
        x1, y1 = random.randrange(width - 8), random.randrange(height - 8)
        objects.append([random.choice(CLASSES), x1, y1, random.randrange(x1 + 2, width), random.randrange(y1 + 2, height)])
    expected[f'{name}.jpg'] = objects
    boxes = [BoundingBox.create(label=of, coords=tuple(edges)) for of, *edges in objects]
    annotations.append(Annotation(f'{name}.jpg', (width, height), boxes))
    # This program writes the numbers that it is given: VOC's count from 1.
    writer = Writer(f'{name}.jpg', width, height)
    for of, x1, y1, x2, y2 in objects:
        writer.addObject(of.replace('&', '&amp;'), x1 + 1, y1 + 1, x2, y2)
    file = os.path.join(HERE, 'voc-writer', f'{name}.xml')
    writer.save(file)
    with open(file) as written:  # without the folder of whoever runs this
        text = re.sub('<(folder|path)>.*</', r'<\1>images</', written.read())
    with open(file, 'w') as rewritten:
        rewritten.write(text)

everything = AnnotationSet(annotations)
everything.save_coco(os.path.join(HERE, 'instances.json'), label_to_id={name: 10 * i + 5 for i, name in enumerate(CLASSES)},
                     imageid_to_id={name: 7 * i for i, name in enumerate(expected)})
everything.save_pascal_voc(os.path.join(HERE, 'voc'))
everything.save_yolo_v5(os.path.join(HERE, 'yolo'), label_to_id={name: i for i, name in enumerate(CLASSES)})
with open(os.path.join(HERE, 'yolo', 'classes.txt'), 'w') as file:
    file.write('\n'.join(CLASSES) + '\n')
with open(os.path.join(HERE, 'boxes.json'), 'w') as file:
    json.dump(expected, file, indent=1)
    file.write('\n')
