"""Compiles StableHLO programs for an H100 with XLA's CUDA plugin, no GPU needed, and counts the bytes that their kernels move.

    python3 h100_traffic.py --plugin xla_cuda_plugin.so [--flag xla_flag=value] [--peer step.safetensors] program.mlir ...

Flags are those of the programs. With `--peer`, the step of jax_step.py is lowered from that file and counted too: with plain
attention and cuDNN's, by XLA's defaults, and cuDNN's once more with those flags. Prints a table: kernels, and 10⁹ bytes that
they read and write: of products, those of cuDNN's attention too, and of other operations. Needs JAX (written with 0.10.2).
"""
import argparse
import os
import re

os.environ["JAX_PLATFORMS"] = "cpu"
# Without a device, kernels cannot be timed.
os.environ["XLA_FLAGS"] = os.environ.get("XLA_FLAGS", "") + " --xla_gpu_autotune_level=0"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"

import jax
import jax.numpy as jnp
import numpy as np
from jax._src.cudnn import fused_attention_stablehlo as cudnn
from jax._src.interpreters import mlir
from jax._src.lib import xla_client
from jax._src.lib.mlir import ir
from jaxlib import _jax

# NVIDIA's data of an H100 SXM, in XLA's format.
H100 = """
gpu_device_info {
  threads_per_block_limit: 1024 threads_per_warp: 32 shared_memory_per_block: 49152 shared_memory_per_core: 233472
  threads_per_core_limit: 2048 core_count: 132 fpus_per_core: 128
  block_dim_limit_x: 2147483647 block_dim_limit_y: 65535 block_dim_limit_z: 65535
  memory_bandwidth: 3352320000000 l2_cache_size: 52428800 clock_rate_ghz: 1.98 device_memory_size: 84942979072
  shared_memory_per_block_optin: 232448 cuda_compute_capability { major: 9 }
  registers_per_core_limit: 65536 registers_per_block_limit: 65536
  thread_dim_limit_x: 1024 thread_dim_limit_y: 1024 thread_dim_limit_z: 64
  device_vendor: "NVIDIA Corporation" platform_version: "Compute Capability 9.0a" device_address_bits: 64
  pcie_bandwidth: 34359738368 ecc_enabled: true name: "NVIDIA H100 80GB HBM3"
  driver_version: "13.0.0" runtime_version: "12.8.0" compile_time_toolkit_version: "12.8.0" dnn_version: "9.10.0"
}
platform_name: "CUDA"
dnn_version_info { major: 9 minor: 10 patch: 0 }
device_description_str: "NVIDIA H100 80GB HBM3"
"""
# A step's only s8 arrays are the workspaces of libraries.
SIZES = {"pred": 1, "s8": 0, "u8": 1, "bf16": 2, "f16": 2, "s32": 4, "u32": 4, "f32": 4, "s64": 8, "u64": 8, "f64": 8}
FREE = {"parameter", "constant", "tuple", "get-tuple-element", "bitcast"}


def bytes_of(types):
    total = 0
    for kind, sides in re.findall(r"\b([a-z]+\d*)\[([\d,]*)\]", types):
        total += SIZES.get(kind, 0) * int(np.prod([int(side) for side in sides.split(",") if side]))
    return total


def arguments_of(rest):
    """The text up to the closing parenthesis of the operands."""
    depth = 1
    for i, letter in enumerate(rest):
        depth += {"(": 1, ")": -1}.get(letter, 0)
        if depth == 0:
            return rest[:i]
    return rest


def traffic(text):
    """Kernels of an optimised HLO module, bytes of its products (cuDNN's attention too) and of other operations."""
    entry = re.search(r"^ENTRY .*?\{\n(.*?)^\}", text, re.S | re.M).group(1)
    types, kernels, moved = {}, 0, {True: 0, False: 0}
    for line in entry.split("\n"):
        found = re.match(r"\s+(?:ROOT )?%?([\w.\-]+) = (.*?) ([a-z\-]+)\((.*)$", line)
        if not found:
            continue
        name, made, operation, rest = found.groups()
        types[name] = made
        if operation in FREE:
            continue
        operands = re.findall(r"%?([\w.\-]+)", re.sub(r"/\*.*?\*/", "", arguments_of(rest)))
        kernels += 1
        is_product = name.startswith("gemm") or "__cudnn$" in line or "__cublas" in line
        moved[is_product] += bytes_of(made) + sum(bytes_of(types.get(operand, "")) for operand in operands)
    return kernels, moved[True], moved[False]


def compiler(plugin):
    api = xla_client.load_pjrt_plugin_dynamically("cuda", plugin)
    xla_client.initialize_pjrt_plugin("cuda")
    topology = xla_client.make_c_api_device_topology(api, "h100", topology="1x1x1", target_config=H100)
    devices = topology._make_compile_only_devices()

    def compile(text, flags):
        options = xla_client.CompileOptions()
        options.num_replicas = options.num_partitions = 1
        options.device_assignment = xla_client.DeviceAssignment.create(np.array([[devices[0].id]]))
        options.env_option_overrides = flags
        with mlir.make_ir_context():
            module = ir.Module.parse(text)
            return devices[0].client.compile(module, _jax.DeviceList(tuple(devices)), options)

    return compile


def peer(path, mode):
    import jax_step

    # JAX queries the machine; these answers are an H100's.
    cudnn.check_cudnn_version = lambda: 91000
    cudnn.check_compute_capability = lambda capability: True
    cudnn.is_cuda_compute_capability_equal = lambda capability: False
    step, *arguments = jax_step.build(path, mode, jnp.bfloat16, 1e-4)
    return step.trace(*arguments).lower(lowering_platforms=("cuda",)).as_text()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("programs", nargs="+")
    parser.add_argument("--plugin", required=True)
    parser.add_argument("--flag", action="append", default=[])
    parser.add_argument("--peer")
    args = parser.parse_args()
    compile = compiler(args.plugin)
    flags = [(name, {"true": True, "false": False}[value]) for name, value in (flag.split("=") for flag in args.flag)]
    rows = [
        (os.path.splitext(os.path.basename(path))[0], flags, lambda path=path: open(path).read())
        for path in args.programs
    ]
    if args.peer:
        for mode, its_flags, note in [("cudnn", [], ""), ("cudnn", flags, ", our flags"), ("plain", [], "")]:
            name = f"JAX {jax.__version__}, attention {mode}{note}"
            rows.append((name, its_flags, lambda mode=mode: peer(args.peer, mode)))
    print("| program | kernels | GB of products | GB of all else | temporary GB |\n| --- | --- | --- | --- | --- |")
    for name, its_flags, text in rows:
        made = compile(text(), its_flags)
        kernels, products, rest = traffic(made.hlo_modules()[0].to_string())
        temporary = made.get_compiled_memory_stats().temp_size_in_bytes
        print(f"| {name} | {kernels} | {products / 1e9:.1f} | {rest / 1e9:.1f} | {temporary / 1e9:.2f} |", flush=True)


if __name__ == "__main__":
    main()
