import type { Call, Chosen, Operands } from './call.ts';
import type { Descriptors, layoutQueries } from './descriptors.ts';
import type { Convolution } from './instructions.ts';
import type { Pointer } from './library.ts';
import type { View } from './view.ts';

/**
 * The calls of a convolution or of one of its gradients. Where the instruction has memory for it, its kernel chooses the order of the
 * filters, and they are copied into it before or out of it after.
 */
export function convolutionCalls(
  make: Descriptors,
  { chosen, same }: ReturnType<typeof layoutQueries>,
  at: (view: View) => Pointer,
  instruction: Convolution,
): readonly Call[] {
  const filters = instruction.kind === 'filterGrad' ? instruction.out : instruction.filters;
  const { packed } = instruction;
  if (packed) {
    const free = descriptorOf(make, at, instruction, make.anyLayout(filters.shape, filters.dtype));
    const { layout, bytes } = chosen(free, instruction.kind === 'filterGrad' ? 'filterGrad' : 'filters');
    if (bytes <= packed.buffer.bytes && !same(layout, at(filters))) {
      const place: Chosen = { layout, view: packed };
      const call: Call = [free, operandsOf(instruction, place)];
      return instruction.kind === 'filterGrad'
        ? [call, [make.copy(layout, at(filters)), { src: place, dst: filters }]]
        : [[make.copy(at(filters), layout), { src: filters, dst: place }], call];
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
  const forward = (x: View, y: View) => make.convolution(at(x), filters, at(y), instruction);
  switch (instruction.kind) {
    case 'convolution':
      return forward(instruction.x, instruction.out);
    case 'imageGrad': {
      const { dy, out } = instruction;
      return make.imageGrad(filters, at(dy), at(out), instruction, forward(out, dy));
    }
    case 'filterGrad': {
      const { x, dy } = instruction;
      return make.filterGrad(at(x), at(dy), filters, instruction, forward(x, dy));
    }
  }
}

function operandsOf(instruction: Convolution, filters: View | Chosen): Operands {
  switch (instruction.kind) {
    case 'convolution':
      return { src: instruction.x, weights: filters, dst: instruction.out };
    case 'imageGrad':
      return { weights: filters, diffDst: instruction.dy, diffSrc: instruction.out };
    case 'filterGrad':
      return { src: instruction.x, diffDst: instruction.dy, diffWeights: filters };
  }
}
