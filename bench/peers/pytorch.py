"""The bench's training step in PyTorch, on the CPU.

`python3 pytorch.py '<case as JSON>'` speaks the bench's protocol (src/bench/protocol.ts): it makes one step, says that it
is ready, and then makes steps as standard input asks for them. Models are those of src/models, layer by layer.
"""
import json
import os
import resource
import sys
import time

import torch
import torch.nn.functional as F
from torch import nn


class BasicBlock(nn.Module):
    """Two 3x3 convolutions (ResNet-18)."""

    expansion = 1

    def __init__(self, channels_in, channels, stride):
        super().__init__()
        self.conv1 = convolution(channels_in, channels, 3, stride)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = convolution(channels, channels, 3, 1)
        self.bn2 = nn.BatchNorm2d(channels)
        self.downsample = shortcut(channels_in, channels, stride)

    def forward(self, x):
        inner = F.relu(self.bn1(self.conv1(x)), inplace=True)
        return F.relu(self.bn2(self.conv2(inner)) + self.downsample(x), inplace=True)


class Bottleneck(nn.Module):
    """1x1, 3x3 and 1x1 with four times the channels (ResNet-50)."""

    expansion = 4

    def __init__(self, channels_in, channels, stride):
        super().__init__()
        self.conv1 = convolution(channels_in, channels, 1, 1)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = convolution(channels, channels, 3, stride)
        self.bn2 = nn.BatchNorm2d(channels)
        self.conv3 = convolution(channels, 4 * channels, 1, 1)
        self.bn3 = nn.BatchNorm2d(4 * channels)
        self.downsample = shortcut(channels_in, 4 * channels, stride)

    def forward(self, x):
        reduced = F.relu(self.bn1(self.conv1(x)), inplace=True)
        spatial = F.relu(self.bn2(self.conv2(reduced)), inplace=True)
        return F.relu(self.bn3(self.conv3(spatial)) + self.downsample(x), inplace=True)


def convolution(channels_in, channels, kernel, stride):
    return nn.Conv2d(channels_in, channels, kernel, stride, kernel // 2, bias=False)


def shortcut(channels_in, channels, stride):
    if stride == 1 and channels_in == channels:
        return nn.Identity()
    return nn.Sequential(convolution(channels_in, channels, 1, stride), nn.BatchNorm2d(channels))


def resnet(block, depths, config):
    width = config["width"]
    kernel, stride = (3, 1) if config["stem"] == "cifar" else (7, 2)
    layers = [
        convolution(config["channels"], width, kernel, stride),
        nn.BatchNorm2d(width),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(3, 2, 1),
    ]
    channels_in = width
    for stage, depth in enumerate(depths):
        channels = width * 2**stage
        for index in range(depth):
            layers.append(block(channels_in, channels, 2 if stage > 0 and index == 0 else 1))
            channels_in = channels * block.expansion
    return nn.Sequential(
        *layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels_in, config["classes"])
    )


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x):
        batch, tokens, width = x.shape
        qkv = self.qkv(x).reshape(batch, tokens, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        q, k, v = qkv.unbind(0)
        weights = (q @ k.transpose(-2, -1) * (width // self.heads) ** -0.5).softmax(-1)
        return self.proj((weights @ v).transpose(1, 2).reshape(batch, tokens, width))


class VitBlock(nn.Module):
    def __init__(self, width, heads, hidden):
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.attention = Attention(width, heads)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, hidden), nn.GELU(), nn.Linear(hidden, width))

    def forward(self, x):
        x = x + self.attention(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class Vit(nn.Module):
    def __init__(self, config):
        super().__init__()
        width, patch = config["width"], config["patch"]
        hidden = round(width * config["mlpRatio"])
        self.embed = nn.Conv2d(config["channels"], width, patch, patch)
        self.token = nn.Parameter(torch.zeros(1, 1, width))
        count = (config["imageSize"] // patch) ** 2 + 1
        self.positions = nn.Parameter(0.02 * torch.randn(1, count, width))
        self.blocks = nn.Sequential(
            *(VitBlock(width, config["heads"], hidden) for _ in range(config["depth"]))
        )
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, config["classes"])

    def forward(self, x):
        tokens = self.embed(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(len(x), -1, -1), tokens], 1) + self.positions
        return self.head(self.norm(self.blocks(x))[:, 0])


MODELS = {
    "resnet18": lambda config: resnet(BasicBlock, [2, 2, 2, 2], config),
    "resnet50": lambda config: resnet(Bottleneck, [3, 4, 6, 3], config),
    "vit": Vit,
}
OPTIMIZERS = {
    "sgd": lambda parameters, rate: torch.optim.SGD(parameters, rate, momentum=0.9),
    "adam": lambda parameters, rate: torch.optim.Adam(parameters, rate),
}


def write(message):
    print(json.dumps(message), flush=True)


def main():
    case = json.loads(sys.argv[1])
    threads = case.get("threads") or len(os.sched_getaffinity(0))
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    config, batch = case["config"], case["batchSize"]
    model = MODELS[case["model"]](config)
    optimizer = OPTIMIZERS[case["optimizer"]](model.parameters(), case["learningRate"])
    images = torch.randn(batch, config["channels"], config["imageSize"], config["imageSize"])
    labels = torch.randint(config["classes"], (batch,))

    def step():
        started = time.perf_counter()
        optimizer.zero_grad(set_to_none=True)
        loss = F.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
        loss.item()
        return (time.perf_counter() - started) * 1000

    write(
        {
            "firstStepMilliseconds": step(),
            "conditions": f"PyTorch {torch.__version__}, {threads} threads, eager mode, random normal images "
            "that are standardised already",
        }
    )
    for line in sys.stdin:
        turn = json.loads(line)
        for _ in range(turn["warmUp"]):
            step()
        write({"milliseconds": [step() for _ in range(turn["steps"])]})
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Kibibytes on Linux, bytes on macOS.
    write({"peakBytes": peak if sys.platform == "darwin" else peak * 1024})


main()
