import { sizeOf, type Tensor, type Values } from '../graph/index.ts';
import type { Geometry } from '../image/size.ts';
import { patchCount } from '../image/size.ts';
import type { NamedTarget } from '../nn/targets/target.ts';
import type { DrawSpec, MaskGenerator, PretextTask } from '../tasks/task.ts';
import { call, type Label, require, requireMethods, show, Words } from './rules.ts';

const ARRAYS = { f32: Float32Array, i32: Int32Array, u8: Uint8Array } as const;

/** The task, which throws a PartError wherever it breaks a rule of its interface. */
export function checkedTask(task: PretextTask): PretextTask {
  const label = `the own task "${task.name}"`;
  requireMethods(
    task,
    label,
    ['view', 'draws', 'draw', 'degrade', 'clean', 'loss'],
    'begin the object with ...plain, which has them all',
  );
  const { judges } = task;
  const known = ['patches', 'image', 'spectrum'];
  require(known.includes(judges), label, `have "judges", one of ${known.join(', ')}`, judges);
  const image = (
    method: 'degrade' | 'clean' | 'guide',
    made: Tensor,
    view: Tensor,
    { image, channels }: Geometry,
  ) => {
    const shape = [view.shape[0], channels, ...image];
    require(isTensor(
      made,
      shape,
    ), label, `return a tensor of shape [${shape.join(', ')}] from ${method}`, made);
    return made;
  };
  return {
    ...task,
    summary: task.summary ?? 'a task of your own',
    view: (size) => {
      const view = call(label, 'view', () => task.view(size));
      const valid =
        Array.isArray(view) &&
        view.length === 2 &&
        view.every((side) => Number.isSafeInteger(side) && side > 0);
      require(valid, label, 'return [height, width] in whole pixels from view', view);
      return view;
    },
    draws: (geometry) => call(label, 'draws', () => task.draws(geometry)),
    draw: (rng, geometry) => {
      const values = call(label, 'draw', () => task.draw(rng, geometry));
      requireDraws(label, task.draws(geometry), values);
      return values;
    },
    degrade: (view, draws, context) =>
      image(
        'degrade',
        call(label, 'degrade', () => task.degrade(view, draws, context)),
        view,
        context,
      ),
    clean: (view, context, draws) =>
      image(
        'clean',
        call(label, 'clean', () => task.clean(view, context, draws)),
        view,
        context,
      ),
    ...(task.guide && {
      guide: (view, draws, context) =>
        image(
          'guide',
          call(label, 'guide', () => task.guide!(view, draws, context)),
          view,
          context,
        ),
    }),
    loss: (inputs, context) => {
      const made = call(label, 'loss', () => task.loss(inputs, context));
      const shape = [inputs.view.shape[0]!];
      for (const [name, losses] of Object.entries({ losses: made?.losses, ...made?.parts }))
        require(isTensor(
          losses,
          shape,
        ), label, `return { losses, parts } of shape [batch] from loss`, new Words(
          `${name} as ${show(losses)}`,
        ));
      return made;
    },
  };
}

function requireDraws(label: Label, specs: Readonly<Record<string, DrawSpec>>, values: Values): void {
  for (const [name, { shape, dtype }] of Object.entries(specs)) {
    const value = values?.[name];
    const fits = value instanceof ARRAYS[dtype] && value.length === sizeOf(shape);
    require(fits, label, `draw "${name}" as ${ARRAYS[dtype].name} of ${sizeOf(shape)}, as draws says`, value);
  }
}

/** The mask generator, which throws a PartError where its order is no permutation. */
export function checkedMask(mask: MaskGenerator): MaskGenerator {
  const label = `the own mask generator "${mask.name}"`;
  requireMethods(mask, label, ['order'], 'it gives the tokens of an image in the order in which they stay');
  return {
    ...mask,
    summary: mask.summary ?? 'masks of your own',
    order: (rng, geometry) => {
      const order = call(label, 'order', () => mask.order(rng, geometry));
      const tokens = patchCount(geometry);
      const rule = `return a permutation of 0 … ${tokens - 1} as Int32Array from order`;
      require(order instanceof Int32Array && order.length === tokens, label, rule, order);
      const seen = new Uint8Array(tokens);
      for (const token of order) {
        require(token >= 0 && token < tokens && seen[token] === 0, label, rule, new Words(
          `token ${token} twice or beyond`,
        ));
        seen[token] = 1;
      }
      return order;
    },
  };
}

/** The target, which throws a PartError where its values have another shape than it says. */
export function checkedTarget(target: NamedTarget): NamedTarget {
  const label = `the own target "${target.name}"`;
  requireMethods(target, label, ['size', 'of'], 'size says how many values a token has, of makes them');
  const size = (geometry: Geometry) => {
    const values = call(label, 'size', () => target.size(geometry));
    require(Number.isSafeInteger(values) &&
      values > 0, label, 'return a whole number above 0 from size', values);
    return values;
  };
  const { toPixels } = target;
  return {
    ...target,
    summary: target.summary ?? 'a target of your own',
    size,
    of: (image, context, tokens) => {
      const values = call(label, 'of', () => target.of(image, context, tokens));
      const shape = [image.shape[0]!, tokens?.shape[1] ?? patchCount(context), size(context)];
      require(isTensor(values, shape), label, `return values of shape [${shape.join(', ')}] from of`, values);
      return values;
    },
    ...(toPixels && {
      toPixels: (values, image, context) => {
        const pixels = call(label, 'toPixels', () => toPixels.call(target, values, image, context));
        const shape = [...values.shape.slice(0, 2), context.patch ** 2 * context.channels];
        require(isTensor(
          pixels,
          shape,
        ), label, `return pixels of shape [${shape.join(', ')}] from toPixels`, pixels);
        return pixels;
      },
    }),
  };
}

function isTensor(value: Tensor | undefined, shape: readonly (number | undefined)[]): boolean {
  return value?.node !== undefined && `${value.shape}` === `${shape}`;
}
