"""Masked pre-training on one rank of PyTorch's DistributedDataParallel with gloo, for benchmarks to compare with.

    python3 torch_ddp.py share-0.safetensors --rank 0 --ranks 2 --port 29500 --mode compile --steps 9 --threads 1

Reads weights, its share of the images and its mask order as torch_step.py does. Rank 0 prints one JSON line: the losses over all ranks, and the
seconds of each step.
"""
import argparse
import json
import time

import torch
import torch.distributed as distributed
from torch_step import build


class Step(torch.nn.Module):
    """The loss of a step, as a module whose weights DistributedDataParallel knows."""

    def __init__(self, loss, groups):
        super().__init__()
        self.weights = torch.nn.ParameterList([weight for group in groups for weight in group["params"]])
        self.loss = loss

    def forward(self):
        return self.loss()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("batch")
    parser.add_argument("--rank", type=int, required=True)
    parser.add_argument("--ranks", type=int, required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--mode", choices=["eager", "compile"], default="eager")
    parser.add_argument("--steps", type=int, default=9)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--lr", type=float, default=1e-4)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    loss, groups = build(args.batch, "cpu")
    distributed.init_process_group("gloo", init_method=f"tcp://127.0.0.1:{args.port}", rank=args.rank, world_size=args.ranks)
    module = Step(loss, groups)
    optimizer = torch.optim.AdamW(groups, lr=args.lr, betas=(0.9, 0.95), eps=1e-8, fused=True)
    step = torch.nn.parallel.DistributedDataParallel(module, gradient_as_bucket_view=True)
    if args.mode == "compile":
        step = torch.compile(step)
    losses, seconds = [], []
    for _ in range(args.steps):
        start = time.perf_counter()
        optimizer.zero_grad(set_to_none=True)
        value = step()
        value.backward()
        optimizer.step()
        seconds.append(time.perf_counter() - start)
        losses.append(value.detach())
    losses = torch.stack(losses)
    distributed.all_reduce(losses)
    if args.rank == 0:
        print(json.dumps({"torch": torch.__version__, "mode": args.mode, "losses": (losses / args.ranks).tolist(), "seconds": seconds}), flush=True)
    distributed.destroy_process_group()


if __name__ == "__main__":
    main()
