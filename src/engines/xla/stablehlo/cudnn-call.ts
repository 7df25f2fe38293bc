import { list, type Value, type ValueType } from './values.ts';
import { type FunctionWriter, names } from './writer.ts';

/** A call of one of cuDNN's attention kernels. */
export interface CudnnCall {
  readonly target: '__cudnn$fmhaSoftmax' | '__cudnn$fmhaSoftmaxBackward';
  readonly operands: readonly Value[];
  /** Types of the results. Results of four axes are stored as [B, N, h, d], whatever their shape's order. */
  readonly results: readonly ValueType[];
  /** Scale of the scores. */
  readonly scale: number;
  readonly tokens: readonly [queries: number, keys: number];
  /** The products inside, by XLA's names. */
  readonly products: Readonly<Record<string, Product>>;
}

/** Axes of both factors, one letter each, and the axis to sum over. */
export type Product = readonly [left: string, right: string, summed: string];

/** Results of the call, without XLA's last one, the kernel's workspace. */
export function cudnnCall(writer: FunctionWriter, call: CudnnCall): Value[] {
  const [q, k] = call.operands as [Value, Value];
  const batch = q.shape[0]!;
  const padded = q.shape[1] !== call.tokens[0] || k.shape[1] !== call.tokens[1];
  const lengths = call.tokens.map((tokens) =>
    writer.constant(new Int32Array(batch).fill(tokens), [batch], 'i32'),
  );
  const operands = padded ? [...call.operands, ...lengths] : call.operands;
  const results = [...call.results, { shape: [0], type: 'ui8' as const }];
  const config = JSON.stringify(backendConfig(q, k, padded, call)).replaceAll('"', '\\22');
  const attributes = [
    'api_version = 2 : i32',
    `backend_config = "${config}"`,
    `operand_layouts = ${list(operands.map(({ shape }) => layout(descending(shape.length))))}`,
    `result_layouts = ${list(results.map(({ shape }) => layout(shape.length === 4 ? [3, 1, 2, 0] : descending(shape.length))))}`,
  ];
  const text = `stablehlo.custom_call @${call.target}(${names(operands)}) {${attributes.join(', ')}}`;
  return writer.writeAll(text, operands, results).slice(0, -1);
}

/**
 * XLA's configuration of the call, as JSON of its CudnnfMHABackendConfig. The values are JAX's, also for fields
 * without an effect (`algorithm`, `seed`, …); quoted numbers are 64 bits wide. The flag `xla_gpu_deterministic_ops`
 * decides the order of sums.
 */
function backendConfig(q: Value, k: Value, padded: boolean, { scale, products }: CudnnCall) {
  const [batch, queries, heads] = q.shape as [number, number, number];
  return {
    operation_queue_id: '0',
    cudnn_fmha_backend_config: {
      algorithm: {
        algo_id: '0',
        math_type: 'TENSOR_OP_MATH',
        tuning_knobs: { 17: '1', 24: '0' },
        is_cudnn_frontend: true,
        workspace_size: '0',
      },
      fmha_scale: scale,
      intermediate_tensor_shape: {
        element_type: 'BF16',
        dimensions: [batch, heads, queries, k.shape[1]!].map(String),
        tuple_shapes: [],
        layout: {
          dim_level_types: [],
          dim_unique: [],
          dim_ordered: [],
          minor_to_major: ['3', '2', '1', '0'],
          tiles: [],
          element_size_in_bits: '0',
          memory_space: '0',
          index_primitive_type: 'PRIMITIVE_TYPE_INVALID',
          pointer_primitive_type: 'PRIMITIVE_TYPE_INVALID',
          dynamic_shape_metadata_prefix_bytes: '0',
        },
        is_dynamic_dimension: [false, false, false, false],
      },
      is_flash_attention: true,
      mask_type: padded ? 'PADDING' : 'NO_MASK',
      ...Object.fromEntries(
        Object.entries(products).map(([name, product]) => [`${name}_dot_dimension_numbers`, axes(product)]),
      ),
      dropout_rate: 0,
      seed: 42,
      sliding_window_length: 0,
      max_seg_per_batch: 1,
      is_paged_attention: false,
    },
  };
}

/** Axis numbers of a product. Samples and heads are batch axes. */
function axes([left, right, summed]: Product) {
  const of = (factor: string, letters: string) => [...letters].map((letter) => `${factor.indexOf(letter)}`);
  return {
    lhs_contracting_dimensions: of(left, summed),
    rhs_contracting_dimensions: of(right, summed),
    lhs_batch_dimensions: of(left, 'Bh'),
    rhs_batch_dimensions: of(right, 'Bh'),
  };
}

/** Minor-to-major order of the axes. */
const layout = (order: readonly number[]) => `dense<${list(order)}> : tensor<${order.length}xindex>`;

const descending = (rank: number) => Array.from({ length: rank }, (_, i) => rank - 1 - i);
