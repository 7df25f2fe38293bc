"""torchvision's ImageFolder + DataLoader at their best, for the loader benchmark to compare with.

    python3 torch_loader.py FOLDER --workers 2 --batch 64 --size 224

Reads a line for each round from the standard input, with the name of a decoder: 'pillow' (ImageFolder's default; transforms on
PIL images) or 'tensor' (torchvision.io's libjpeg-turbo; transforms on bytes). Goes through all images once, in random order, and
prints a JSON line with the seconds from the first request to the last batch and the processor seconds of all processes (Linux). The workers are started before and stay.
Random resized crop (area 0.2-1, bicubic, antialiased) and flip, batches of bytes [batch, 3, size, size].
"""
import argparse
import json
import os
import sys
import time

import torch
import torchvision
from torch.utils.data import DataLoader
from torchvision.datasets import ImageFolder
from torchvision.io import ImageReadMode, decode_jpeg, read_file
from torchvision.transforms import InterpolationMode, v2


def read_tensor(path):
    return decode_jpeg(read_file(path), mode=ImageReadMode.RGB)


def processor_seconds(workers):
    """Processor seconds of this process and its workers so far."""
    ticks = 0
    for pid in workers:
        with open(f"/proc/{pid}/stat") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        ticks += int(fields[11]) + int(fields[12])
    return time.process_time() + ticks / os.sysconf("SC_CLK_TCK")


def loader(args, decoder):
    crop = v2.RandomResizedCrop(args.size, scale=(0.2, 1), interpolation=InterpolationMode.BICUBIC, antialias=True)
    steps = [crop, v2.RandomHorizontalFlip()]
    if decoder == "pillow":
        data = ImageFolder(args.folder, v2.Compose([*steps, v2.PILToTensor()]))
    else:
        data = ImageFolder(args.folder, v2.Compose(steps), loader=read_tensor)
    options = {"batch_size": args.batch, "num_workers": args.workers, "shuffle": True, "drop_last": True}
    return DataLoader(data, persistent_workers=True, prefetch_factor=2, **options)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--size", type=int, default=224)
    args = parser.parse_args()
    loaders = {}
    for line in sys.stdin:
        decoder = line.strip()
        if decoder not in loaders:
            loaders[decoder] = loader(args, decoder)
            for _ in loaders[decoder]:  # starts the workers
                pass
        workers = [worker.pid for worker in loaders[decoder]._iterator._workers]
        spent = processor_seconds(workers)
        start = time.perf_counter()
        images = sum(len(labels) for _, labels in loaders[decoder])
        seconds = time.perf_counter() - start
        cpu = processor_seconds(workers) - spent
        version = f"torchvision {torchvision.__version__}, torch {torch.__version__}"
        print(json.dumps({"version": version, "images": images, "seconds": seconds, "cpu": cpu}), flush=True)


if __name__ == "__main__":
    main()
