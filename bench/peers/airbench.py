"""airbench94 with Muon (Jordan, 2024) in PyTorch on the CPU: what `tract train --recipe speed` is held against.

    python3 bench/peers/airbench.py DATA [--seed 0] [--epochs 8] [--steps N] [--threads N] [--checkpoint FILE]

DATA is the folder with CIFAR-10's binary files. Prints its conditions and a line of JSON for each epoch, with the seconds
spent in training steps. A run that was stopped goes on from its checkpoint, with the same numbers. Network, initial
values, optimizers, augmentation and evaluation are airbench94's; float32, channels last.
"""
import argparse
import json
import time
from pathlib import Path

import numpy
import torch
import torch.nn.functional as F
from torch import nn

BATCH, MUON_RATE, BIAS_RATE, HEAD_RATE, DECAY = 2_000, 0.24, 0.053, 0.67, 2e-6
MEAN, DEVIATION = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)


class Block(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.norm1, self.norm2 = (nn.BatchNorm2d(outputs, eps=1e-12, momentum=0.4) for _ in range(2))
        for norm in (self.norm1, self.norm2):
            norm.weight.requires_grad = False
        for conv in (self.conv1, self.conv2):
            nn.init.dirac_(conv.weight.data[: conv.in_channels])

    def forward(self, x):
        x = F.gelu(self.norm1(F.max_pool2d(self.conv1(x), 2)))
        return F.gelu(self.norm2(self.conv2(x)))


class Airbench(nn.Module):
    def __init__(self, images, width=64):
        super().__init__()
        self.whiten = nn.Conv2d(3, 24, 2)
        self.whiten.weight.data.copy_(whitening_filters(images))
        self.whiten.weight.requires_grad = False
        self.layers = nn.Sequential(Block(24, width), Block(width, 4 * width), Block(4 * width, 4 * width))
        self.head = nn.Linear(4 * width, 10, bias=False)
        self.head.weight.data /= self.head.weight.data.std()

    def forward(self, x):
        x = self.layers(F.gelu(self.whiten(x)))
        x = F.max_pool2d(x, x.shape[-1]).flatten(1)
        return self.head(x) / x.shape[1]


def whitening_filters(images):
    """[24, 3, 2, 2]: the principal axes of 2x2 patches scaled to unit variance, with either sign."""
    patches = images.unfold(2, 2, 1).unfold(3, 2, 1).permute(0, 2, 3, 1, 4, 5).reshape(-1, 12).double()
    values, vectors = torch.linalg.eigh(patches.T @ patches / len(patches))
    filters = (vectors / torch.sqrt(values + 5e-4)).T.flip(0).float().reshape(-1, 3, 2, 2)
    return torch.cat((filters, -filters))


class Muon(torch.optim.Optimizer):
    """Nesterov's momentum, orthogonalised by three Newton-Schulz iterations; weights are normalised before a step."""

    def __init__(self, params, lr, momentum):
        super().__init__(params, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                buffer = self.state[p].setdefault("buffer", torch.zeros_like(p))
                buffer.mul_(group["momentum"]).add_(p.grad)
                update = orthogonalized((p.grad + group["momentum"] * buffer).flatten(1)).view_as(p)
                p.mul_(len(p) ** 0.5 / p.norm())
                p.sub_(group["lr"] * update)


def orthogonalized(x):
    scale = max(1, x.shape[0] / x.shape[1]) ** 0.5
    x = x / (x.norm() + 1e-7)
    tall = x.shape[0] > x.shape[1]
    x = x.T if tall else x
    for _ in range(3):
        gram = x @ x.T
        x = 3.4445 * x + (-4.7750 * gram + 2.0315 * gram @ gram) @ x
    return scale * (x.T if tall else x)


def read(files):
    records = numpy.concatenate([numpy.fromfile(file, numpy.uint8).reshape(-1, 3073) for file in files])
    mean, deviation = (torch.tensor(values).view(1, 3, 1, 1) for values in (MEAN, DEVIATION))
    pixels = torch.from_numpy(records[:, 1:].reshape(-1, 3, 32, 32).astype(numpy.float32) / 255)
    return (pixels - mean) / deviation, torch.from_numpy(records[:, 0].astype(numpy.int64))


def cropped(padded, size=32):
    """A random crop of each image."""
    around = padded.shape[-1] - size
    rows, columns = torch.randint(0, around + 1, (2, len(padded), 1)) + torch.arange(size)
    images = torch.arange(len(padded)).view(-1, 1, 1, 1)
    return padded[images, torch.arange(3).view(1, 3, 1, 1), rows[:, None, :, None], columns[:, None, None, :]]


@torch.no_grad()
def accuracy(network, images, labels):
    """By airbench's six views: as it is, and moved by a pixel either way, each mirrored, too."""
    network.eval()
    right = 0
    for x, y in zip(images.split(500), labels.split(500)):
        around = F.pad(x, (1,) * 4, mode="reflect")
        views = ((x, 0.25), (around[:, :, :32, :32], 0.125), (around[:, :, 2:, 2:], 0.125))
        logits = sum(share * (network(view) + network(view.flip(3))) for view, share in views)
        right += (logits.argmax(1) == y).sum().item()
    network.train()
    return right / len(labels)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--steps", type=int, help="end after so many steps, without evaluating")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--checkpoint", type=Path, help="written after every step, and gone on from if it is there")
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    conditions = {"pytorch": torch.__version__, "threads": torch.get_num_threads(), "seed": options.seed}
    print(json.dumps(conditions), flush=True)
    images, labels = read([options.data / f"data_batch_{i}.bin" for i in range(1, 6)])
    test_images, test_labels = read([options.data / "test_batch.bin"])
    network = Airbench(images[:5_000]).to(memory_format=torch.channels_last)
    filters = [p for name, p in network.named_parameters() if p.ndim == 4 and p.requires_grad]
    norms = [p for name, p in network.named_parameters() if "norm" in name and p.requires_grad]

    def group(parameters, rate):
        return {"params": parameters, "lr": BATCH * rate, "weight_decay": DECAY / rate}

    rest = [group([network.whiten.bias], BIAS_RATE), group(norms, BIAS_RATE), group([network.head.weight], HEAD_RATE)]
    optimizers = [torch.optim.SGD(rest, momentum=0.85, nesterov=True), Muon(filters, MUON_RATE, 0.6)]
    highest = [each["lr"] for optimizer in optimizers for each in optimizer.param_groups]
    padded = F.pad(images, (2,) * 4, mode="reflect")
    first_flip = torch.rand(len(images)) < 0.5
    steps = len(images) // BATCH
    total, step, seconds, order = steps * options.epochs, 0, 0.0, None
    if options.checkpoint and options.checkpoint.exists():
        state = torch.load(options.checkpoint)
        if (state["seed"], state["total"]) != (options.seed, total):
            parser.error(f"{options.checkpoint} is of another seed or number of epochs")
        step, seconds, order, first_flip = (state[name] for name in ("step", "seconds", "order", "first_flip"))
        for part, saved in zip((network, *optimizers), state["parts"]):
            part.load_state_dict(saved)
        torch.set_rng_state(state["random"])
    groups = [each for optimizer in optimizers for each in optimizer.param_groups]
    while step < total:
        epoch, within = divmod(step, steps)
        if within == 0:
            order = torch.randperm(len(images))[: steps * BATCH].split(BATCH)
        chosen = order[within]
        begun = time.perf_counter()
        x = cropped(padded[chosen])
        mirrored = first_flip[chosen] ^ (epoch % 2 == 1)
        x = torch.where(mirrored.view(-1, 1, 1, 1), x.flip(3), x).contiguous(memory_format=torch.channels_last)
        for index, (each, rate) in enumerate(zip(groups, highest)):
            length = total * 3 / 8 if index == 0 else total
            each["lr"] = rate * max(0.0, 1 - step / length)
        loss = F.cross_entropy(network(x), labels[chosen], label_smoothing=0.2)
        for optimizer in optimizers:
            optimizer.zero_grad()
        loss.backward()
        for optimizer in optimizers:
            optimizer.step()
        step += 1
        seconds += time.perf_counter() - begun
        if step % steps == 0 or step == options.steps:
            result = {"epoch": epoch + 1, "step": step, "loss": loss.item(), "seconds": round(seconds, 2)}
            if step % steps == 0:
                result["accuracy"] = accuracy(network, test_images, test_labels)
            print(json.dumps(result), flush=True)
        if options.checkpoint:
            state = {"seed": options.seed, "total": total, "step": step, "seconds": seconds, "order": order}
            state |= {"first_flip": first_flip, "random": torch.get_rng_state()}
            state["parts"] = [part.state_dict() for part in (network, *optimizers)]
            temporary = options.checkpoint.with_suffix(".tmp")
            torch.save(state, temporary)
            temporary.replace(options.checkpoint)
        if step == options.steps:
            return


if __name__ == "__main__":
    main()
