import { type DrawnPicture, type DrawnShape, SHAPES } from './draw.ts';

/** A picture with the name of its file. */
export interface NamedPicture {
  readonly name: string;
  readonly picture: DrawnPicture;
}

/**
 * COCO's JSON of pictures: boxes `[x, y, width, height]` and masks as uncompressed run lengths, column by column; categories are numbered
 * from 1 on, the background is none.
 */
export function cocoJson(pictures: readonly NamedPicture[]): object {
  let id = 0;
  return {
    info: { description: 'drawn by beyond-masking data shapes' },
    images: pictures.map(({ name, picture: { image } }, i) => ({
      id: i + 1,
      file_name: `${name}.png`,
      width: image.width,
      height: image.height,
    })),
    categories: SHAPES.slice(1).map((name, i) => ({ id: i + 1, name })),
    annotations: pictures.flatMap(({ picture: { image, shapes } }, i) =>
      shapes.map((shape) => ({
        id: ++id,
        image_id: i + 1,
        category_id: shape.class,
        ...cocoShape(shape, image.height, image.width),
        iscrowd: 0,
      })),
    ),
  };
}

function cocoShape({ box: [x0, y0, x1, y1], mask }: DrawnShape, height: number, width: number): object {
  return {
    bbox: [x0, y0, x1 - x0, y1 - y0],
    area: mask.reduce((sum, inside) => sum + inside, 0),
    segmentation: { size: [height, width], counts: runLengths(mask, height, width) },
  };
}

/** Lengths of runs of equal pixels, column by column; the first is one of zeros, and may be 0. */
export function runLengths(mask: Uint8Array, height: number, width: number): number[] {
  const counts = [0];
  let current = 0;
  for (let x = 0; x < width; x++)
    for (let y = 0; y < height; y++) {
      const value = mask[y * width + x]!;
      if (value !== current) counts.push(0);
      current = value;
      counts[counts.length - 1]!++;
    }
  return counts;
}

/** PASCAL VOC's XML of a picture: boxes count pixels from 1 on and hold their last one. */
export function vocXml({ name, picture: { image, shapes } }: NamedPicture): string {
  const objects = shapes.map(
    ({ class: of, box: [x0, y0, x1, y1] }) => `  <object>
    <name>${SHAPES[of]}</name>
    <truncated>0</truncated>
    <difficult>0</difficult>
    <bndbox>
      <xmin>${x0 + 1}</xmin>
      <ymin>${y0 + 1}</ymin>
      <xmax>${x1}</xmax>
      <ymax>${y1}</ymax>
    </bndbox>
  </object>
`,
  );
  return `<annotation>
  <filename>${name}.png</filename>
  <size>
    <width>${image.width}</width>
    <height>${image.height}</height>
    <depth>3</depth>
  </size>
  <segmented>1</segmented>
${objects.join('')}</annotation>
`;
}
