"""Writes tests/fixtures/probe.safetensors: SGD and LARS steps, and a linear probe trained with them, in PyTorch.

LARS is written here from You et al., arXiv 1708.03888, algorithm 1, with what MAE's appendix says of it (momentum 0.9, no scaling and
no decay of biases). The probe is torch.nn.BatchNorm1d(affine=False, eps=1e-6) and torch.nn.Linear, in float64.
"""
import json
import os

import numpy as np
import torch

import safetensors_io

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "fixtures", "probe.safetensors")
MOMENTUM, TRUST = 0.9, 0.001


class Lars:
    def __init__(self, parameters, decay):
        self.parameters, self.decay = parameters, decay
        self.velocity = [torch.zeros_like(p) for p in parameters]

    @torch.no_grad()
    def step(self, lr):
        for p, v in zip(self.parameters, self.velocity):
            g = p.grad.clone()
            if p.ndim > 1:
                g += self.decay * p
                lengths = p.norm().item(), g.norm().item()
                if lengths[0] > 0 and lengths[1] > 0:
                    g *= TRUST * lengths[0] / lengths[1]
            v.mul_(MOMENTUM).add_(g)
            p -= lr * v


class Sgd:
    def __init__(self, parameters, decay):
        groups = [{"params": [p], "weight_decay": decay if p.ndim > 1 else 0.0} for p in parameters]
        self.parameters = parameters
        self.torch = torch.optim.SGD(groups, lr=0.1, momentum=MOMENTUM)
        self.velocity = None

    def step(self, lr):
        for group in self.torch.param_groups:
            group["lr"] = lr
        self.torch.step()
        self.velocity = [self.torch.state[p]["momentum_buffer"] for p in self.parameters]


def optimizer_steps(name, make, tensors):
    """Ten steps on a matrix with decay and a vector without; the third gradient is zero."""
    rng = np.random.default_rng(29)
    lrs = [0.0, 0.5, 1.0, 2.0, 4.0, 3.0, 2.0, 1.0, 0.5, 0.1]
    starts = {"matrix": rng.normal(size=(4, 5)), "vector": rng.normal(size=6), "zeros": np.zeros((2, 3))}
    starts = {k: v.astype(np.float32) for k, v in starts.items()}
    grads = {k: rng.normal(size=(10, *v.shape)).astype(np.float32) for k, v in starts.items()}
    for g in grads.values():
        g[2] = 0
    grads["zeros"][0] = 0
    weights = {k: torch.tensor(v, dtype=torch.float64, requires_grad=True) for k, v in starts.items()}
    optimizer = make(list(weights.values()), 0.05)
    after = {k: [] for k in starts}
    for step, lr in enumerate(lrs):
        for k, w in weights.items():
            w.grad = torch.tensor(grads[k][step], dtype=torch.float64)
        optimizer.step(lr)
        for k, w in weights.items():
            after[k].append(w.detach().numpy().copy())
    for i, k in enumerate(starts):
        tensors[f"{name}.start.{k}"], tensors[f"{name}.grad.{k}"] = starts[k], grads[k]
        tensors[f"{name}.after.{k}"] = np.stack(after[k])
        tensors[f"{name}.momentum.{k}"] = optimizer.velocity[i].numpy()
    return lrs


def probe(tensors):
    """Twelve steps of a probe by either optimizer at two learning rates, from one start; then its logits in evaluation."""
    rng = np.random.default_rng(31)
    rows, width, classes, batch, steps = 24, 7, 4, 8, 12
    features = (rng.normal(size=(rows, width)) * np.logspace(-2, 1, width) + rng.normal(size=width) * 3).astype(np.float32)
    features[:, -1] = 1.5  # a feature that does not vary
    labels = rng.integers(0, classes, rows)
    batches = np.stack([rng.permutation(rows)[:batch] for _ in range(steps)])
    start = (0.01 * rng.normal(size=(classes, width))).astype(np.float32)
    test = (rng.normal(size=(5, width)) * np.logspace(-2, 1, width)).astype(np.float32)
    lrs = [0.5 * (1 + np.cos(np.pi * t / steps)) for t in range(steps)]
    rates = {"lars": [2.0, 30.0], "sgd": [0.05, 0.5]}
    tensors.update({"probe.features": features, "probe.labels": labels, "probe.batches": batches, "probe.start": start, "probe.test": test})
    for name, make in {"lars": Lars, "sgd": Sgd}.items():
        for i, rate in enumerate(rates[name]):
            norm = torch.nn.BatchNorm1d(width, affine=False, eps=1e-6).double()
            linear = torch.nn.Linear(width, classes).double()
            with torch.no_grad():
                linear.weight.copy_(torch.tensor(start))
                linear.bias.zero_()
            optimizer = make([linear.weight, linear.bias], 0.0)
            losses = []
            for step, chosen in enumerate(batches):
                x = torch.tensor(features[chosen]).double()
                loss = torch.nn.functional.cross_entropy(linear(norm(x)), torch.tensor(labels[chosen]))
                linear.zero_grad()
                loss.backward()
                optimizer.step(rate * lrs[step])
                losses.append(loss.item())
            norm.eval()
            logits = linear(norm(torch.tensor(test).double()))
            tensors[f"probe.{name}.{i}.losses"] = np.array(losses)
            tensors[f"probe.{name}.{i}.weight"] = linear.weight.detach().numpy()
            tensors[f"probe.{name}.{i}.bias"] = linear.bias.detach().numpy()
            tensors[f"probe.{name}.{i}.logits"] = logits.detach().numpy()
    tensors["probe.mean"], tensors["probe.variance"] = norm.running_mean.numpy(), norm.running_var.numpy()
    return {"lr": lrs, "rates": rates, "classes": classes}


def main():
    torch.manual_seed(0)
    torch.set_num_threads(1)
    tensors = {}
    lrs = optimizer_steps("sgd", Sgd, tensors)
    optimizer_steps("lars", Lars, tensors)
    options = {"momentum": MOMENTUM, "trust": TRUST, "weightDecay": 0.05, "lr": lrs}
    safetensors_io.save(OUT, tensors, {"optimizers": json.dumps(options), "probe": json.dumps(probe(tensors))})


if __name__ == "__main__":
    main()
