/**
 * Floating-point operations of a stack of blocks for one image: attention (four square layers, two products of tokens
 * with tokens) and MLP.
 */
export function stackFlops(tokens: number, width: number, depth: number, mlpRatio: number): number {
  return depth * (2 * tokens * width ** 2 * (4 + 2 * mlpRatio) + 4 * tokens ** 2 * width);
}

/** The same for cross-attention blocks: `queries` tokens attend to `keys` tokens of width `keyWidth`. */
export function crossStackFlops(
  { queries, keys, keyWidth }: { queries: number; keys: number; keyWidth: number },
  width: number,
  depth: number,
  mlpRatio: number,
): number {
  const layers = 2 * queries * width ** 2 * (2 + 2 * mlpRatio) + 4 * keys * keyWidth * width;
  return depth * (layers + 4 * queries * keys * width);
}
