"""Writes tests/fixtures/cudnn-calls.json: how JAX asks XLA for cuDNN's fused attention and its gradient.

    python3 tests/oracle/make_cudnn_fixture.py

Needs JAX (written with 0.10.2), no GPU: the program is lowered for CUDA and not run, with JAX's questions about the
machine answered for it. For attention of even and odd numbers of tokens, as they are (`fused`) and odd ones padded by one, with
lengths (`padded`), it holds

- calls: target, backend_config, types and layouts of operands and results of both custom calls, and what each operand is
  computed from: an argument, `forward 1` (the second result of the forward call), a length,
- results: the same for y and the gradients.
"""

import json
import math
import os

os.environ["JAX_PLATFORMS"] = "cpu"

import jax
import jax.numpy as jnp
from jax._src.cudnn import fused_attention_stablehlo as cudnn
from jax._src.interpreters import mlir
from jax._src.lib.mlir import ir

cudnn.check_cudnn_version = lambda: 91000
cudnn.check_compute_capability = lambda capability: True
cudnn.is_cuda_compute_capability_equal = lambda capability: False
# It allows odd numbers of tokens without a bias, but takes the empty array that stands for none for one.
cudnn.check_is_flash_attention = lambda *arguments: None

ARGUMENTS = ["q", "k", "v", "dy"]
NAMES = {"__cudnn$fmhaSoftmax": "forward", "__cudnn$fmhaSoftmaxBackward": "backward"}


def laid_out(form, x):
    """[B, N, h, d], padded with a token of zeros more where N is odd."""
    return jnp.pad(x, ((0, 0), (0, x.shape[1] % 2), (0, 0), (0, 0))) if form == "padded" else x


def program(form, batch, queries, keys, heads, features):
    """StableHLO of y, dq, dk and dv from q and dy [B, N, h, d], k and v [B, M, h, d]."""

    def attention(q, k, v):
        lengths = [jnp.full((batch,), tokens, jnp.int32) for tokens in (queries, keys)]
        odd = form == "padded" and (queries % 2 or keys % 2)
        names = ["query_seq_lengths", "key_value_seq_lengths"] if odd else []
        options = {"scale": 1 / math.sqrt(features), "implementation": "cudnn", **dict(zip(names, lengths))}
        q, k, v = (laid_out(form, x) for x in (q, k, v))
        return jax.nn.dot_product_attention(q, k, v, **options)[:, :queries]

    def both(q, k, v, dy):
        y, pullback = jax.vjp(attention, q, k, v)
        return y, *pullback(dy)

    x, y = (jax.ShapeDtypeStruct((batch, n, heads, features), jnp.bfloat16) for n in (queries, keys))
    return jax.jit(both).trace(x, y, y, x).lower(lowering_platforms=("cuda",)).as_text()


def source(value):
    """What a value is computed from, through everything that only moves numbers."""
    if isinstance(value.owner, ir.Block):
        return ARGUMENTS[ir.BlockArgument(value).arg_number]
    operation = value.owner
    if operation.name == "stablehlo.custom_call":
        return f"{NAMES[target(operation)]} {ir.OpResult(value).result_number}"
    if operation.name == "stablehlo.constant":
        splat = ir.DenseElementsAttr(operation.attributes["value"]).get_splat_value()
        return f"length {ir.IntegerAttr(splat).value}"
    return source(operation.operands[0])


def target(operation):
    return ir.StringAttr(operation.attributes["call_target_name"]).value


def layouts(attribute):
    return [[int(axis) for axis in ir.DenseIntElementsAttr(each)] for each in ir.ArrayAttr(attribute)]


def describe(operation):
    attributes = dict(operation.attributes.items())
    known = {"call_target_name", "backend_config", "api_version", "operand_layouts", "result_layouts"}
    assert set(attributes) == known, set(attributes) ^ known
    return {
        "target": target(operation),
        "apiVersion": ir.IntegerAttr(attributes["api_version"]).value,
        "config": json.loads(ir.StringAttr(attributes["backend_config"]).value),
        "operands": [str(value.type) for value in operation.operands],
        "results": [str(value.type) for value in operation.results],
        "operandLayouts": layouts(attributes["operand_layouts"]),
        "resultLayouts": layouts(attributes["result_layouts"]),
        "sources": [source(value) for value in operation.operands],
    }


def case(form, batch, queries, keys, heads, features):
    with mlir.make_ir_context():
        module = ir.Module.parse(program(form, batch, queries, keys, heads, features))
        main = next(f for f in module.body.operations if ir.StringAttr(f.attributes["sym_name"]).value == "main")
        operations = [each.operation for each in main.regions[0].blocks[0]]
        calls = [describe(each) for each in operations if each.name == "stablehlo.custom_call"]
        results = [source(value) for value in operations[-1].operands]
    shape = {"form": form, "batch": batch, "queries": queries, "keys": keys, "heads": heads, "features": features}
    return {**shape, "calls": calls, "results": results}


def main():
    sizes = [(2, 50, 50, 3, 64), (2, 49, 49, 3, 64), (2, 147, 196, 2, 32), (1, 6, 7, 2, 8)]
    cases = [case(form, *size) for form in ("fused", "padded") for size in sizes]
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "fixtures", "cudnn-calls.json")
    with open(path, "w") as file:
        json.dump({"jax": jax.__version__, "cases": cases}, file, indent=1)
        file.write("\n")


if __name__ == "__main__":
    main()
