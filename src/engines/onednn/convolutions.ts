import type { Call, Chosen, Operands } from './call.ts';
import type { Descriptors, layoutQueries } from './descriptors.ts';
import type { Convolution } from './instructions.ts';
import type { Pointer } from './library.ts';
import type { View } from './view.ts';

/**
 * The calls of a convolution or of the gradient of its images. Where the instruction has memory for it, the kernel chooses the order of the
 * filters, and they are copied into it first.
 */
export function convolutionCalls(
  make: Descriptors,
  layouts: ReturnType<typeof layoutQueries>,
  at: (view: View) => Pointer,
  instruction: Convolution,
): readonly Call[] {
  const { filters, packed } = instruction;
  if (packed) {
    const free = descriptorOf(make, at, instruction, make.anyLayout(filters.shape, filters.dtype));
    const { layout, bytes } = layouts.filters(free);
    if (bytes <= packed.buffer.bytes && !layouts.same(layout, at(filters))) {
      const place: Chosen = { layout, view: packed };
      return [
        [make.copy(at(filters), layout), { src: filters, dst: place }],
        [free, operandsOf(instruction, place)],
      ];
    }
  }
  return [[descriptorOf(make, at, instruction, at(filters)), operandsOf(instruction, filters)]];
}

function descriptorOf(
  make: Descriptors,
  at: (view: View) => Pointer,
  instruction: Convolution,
  filters: Pointer,
): bigint {
  const { kind, out } = instruction;
  const forward = (x: View, y: View) => make.convolution(at(x), filters, at(y), instruction);
  if (kind === 'convolution') return forward(instruction.x, out);
  const { dy } = instruction;
  return make.imageGrad(filters, at(dy), at(out), instruction, forward(out, dy));
}

function operandsOf(instruction: Convolution, weights: View | Chosen): Operands {
  return instruction.kind === 'convolution'
    ? { src: instruction.x, weights, dst: instruction.out }
    : { weights, diffDst: instruction.dy, diffSrc: instruction.out };
}
