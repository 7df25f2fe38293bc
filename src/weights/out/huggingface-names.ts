/** Names inside a block, here and in `transformers`. Queries, keys and values are one matrix here and three there. */
export const blockNames: readonly (readonly [here: string, there: string])[] = [
  ['norm1', 'layernorm_before'],
  ['attn.proj', 'attention.output.dense'],
  ['norm2', 'layernorm_after'],
  ['mlp.fc1', 'intermediate.dense'],
  ['mlp.fc2', 'output.dense'],
];
/** Queries, keys and values of a block. */
export const attentionNames = ['query', 'key', 'value'].map((name) => `attention.attention.${name}`);
