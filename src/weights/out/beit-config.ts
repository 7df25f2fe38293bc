import type { SegmenterConfig } from '../../models/segmenter.ts';
import type { UperNetHead } from '../../models/upernet.ts';

/** Scales of the maps of BeitForSemanticSegmentation. */
export const USUAL_SCALES: readonly number[] = [4, 2, 1, 0.5];

/** `out_indices` counts the embeddings as 1, so that the output of block 0 is 2. */
const outIndices = ({ taps }: UperNetHead) => taps.map((tap) => tap + 2);

/** Blocks that the class must have for its last index to be one of them. */
export function layersOf({ head, depth }: SegmenterConfig): number {
  return Math.max(depth, ...outIndices(head as UperNetHead));
}

/** The settings of BeitConfig beside those of any ViT. */
export function beitConfig(segmenter: SegmenterConfig): object {
  const { pools = [1, 2, 3, 6], auxiliary, ...head } = segmenter.head as UperNetHead;
  return {
    num_hidden_layers: layersOf(segmenter),
    unread_layers: layersOf(segmenter) - segmenter.depth, // no setting of transformers: how many of them are not the model's
    use_mask_token: false,
    use_absolute_position_embeddings: true,
    use_relative_position_bias: segmenter.relativePositions ?? false,
    use_shared_relative_position_bias: false,
    layer_scale_init_value: segmenter.layerScale ?? 0,
    drop_path_rate: 0,
    use_mean_pooling: true, // false: a norm behind the blocks
    out_indices: outIndices({ ...head, pools }),
    pool_scales: pools,
    use_auxiliary_head: auxiliary !== undefined,
    ...(auxiliary !== undefined && { auxiliary_channels: auxiliary, auxiliary_num_convs: 1 }),
    auxiliary_loss_weight: 0.4,
    auxiliary_concat_input: false,
    semantic_loss_ignore_index: 255,
  };
}
