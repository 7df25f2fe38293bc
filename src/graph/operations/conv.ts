import { definePrimitive } from '../signatures.ts';
import { apply, refuse, requireFloat, sizeOf, type Tensor } from '../tensor.ts';
import { broadcast, reshape, reverse, slice, transpose } from './shape.ts';

const filterBankOperation = definePrimitive({
  name: 'filterBank',
  role: 'convolution',
  flops: ({ inputs: [, filters], outputs: [y] }) => 2 * sizeOf(y.shape) * sizeOf(filters.shape.slice(2)),
  infer: (inputs, { padding }) => {
    requireFloat('filterBank', inputs);
    const [x, filters] = inputs;
    const fits = x.shape.length === 4 && filters.shape.length === 5 && x.shape[0] === filters.shape[0];
    if (!fits || x.shape[1] !== filters.shape[2])
      refuse('filterBank', 'images [B, Cin, H, W] take filters [B, Cout, Cin, k, l]', inputs);
    const [batch, , height, width] = x.shape as [number, number, number, number];
    const [, outChannels, , k, l] = filters.shape as [number, number, number, number, number];
    const sides = [height + 2 * padding[0] - k + 1, width + 2 * padding[1] - l + 1];
    if (sides.some((side) => side < 1))
      refuse('filterBank', 'filters must fit into the padded images', inputs);
    return [{ shape: [batch, outChannels, ...sides], dtype: 'f32' }];
  },
  vjp: ({ inputs: [x, filters], attributes: { padding } }, [dy]) => {
    const [batch, inChannels, height, width] = x.shape as [number, number, number, number];
    const [, outChannels, , k, l] = filters.shape as [number, number, number, number, number];
    // The input's gradient: the output's, filtered with the mirrored bank.
    const mirrored = reverse(transpose(filters, [0, 2, 1, 3, 4]), [3, 4]);
    const dx = filterBank(dy, mirrored, [k - 1 - padding[0], l - 1 - padding[1]]);
    // The filters' gradient: each input channel, filtered with the output's gradient.
    const [outHeight, outWidth] = dy.shape.slice(2) as [number, number];
    const channels = reshape(x, [batch * inChannels, 1, height, width]);
    const bank = broadcast(reshape(dy, [batch, 1, outChannels, outHeight, outWidth]), [
      batch,
      inChannels,
      outChannels,
      outHeight,
      outWidth,
    ]);
    const d = filterBank(
      channels,
      reshape(bank, [batch * inChannels, outChannels, 1, outHeight, outWidth]),
      padding,
    );
    return [dx, transpose(reshape(d, [batch, inChannels, outChannels, k, l]), [0, 2, 1, 3, 4])];
  },
});

/**
 * Correlates every image with filters of its own: stride 1, zeros around.
 * @param x [B, Cin, H, W]
 * @param filters [B, Cout, Cin, k, l]
 * @param padding rows and columns of zeros on each side; negative ones are cut off
 * @returns [B, Cout, H + 2·padding − k + 1, W + 2·padding − l + 1]
 */
export function filterBank(x: Tensor, filters: Tensor, padding: readonly [number, number]): Tensor {
  if (padding[0] >= 0 && padding[1] >= 0) return apply(filterBankOperation, [x, filters], { padding });
  const cut = [0, 0, Math.max(0, -padding[0]), Math.max(0, -padding[1])];
  const inside = slice(
    x,
    cut,
    x.shape.map((side, axis) => side - cut[axis]!),
  );
  return filterBank(inside, filters, [Math.max(0, padding[0]), Math.max(0, padding[1])]);
}
