"""Writes src/testing/fixtures/forward.json: the logits of small networks in PyTorch.

Run with PyTorch 1.13 or newer: python scripts/reference/forward.py > src/testing/fixtures/forward.json

The networks are written out here with torch.nn's modules (as torchvision's ResNet and timm's VisionTransformer are),
so that the parameter names come out as theirs. Weights and images come from a formula that src/models/forward.test.ts
repeats, so that the file holds results only.
"""

import json
import math

import torch
from torch import nn


class BasicBlock(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        identity = x if self.downsample is None else self.downsample(x)
        out = torch.relu(self.bn1(self.conv1(x)))
        return torch.relu(self.bn2(self.conv2(out)) + identity)


class Bottleneck(nn.Module):
    def __init__(self, inputs, channels, stride):
        super().__init__()
        outputs = 4 * channels
        self.conv1 = nn.Conv2d(inputs, channels, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.conv3 = nn.Conv2d(channels, outputs, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.downsample = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        identity = x if self.downsample is None else self.downsample(x)
        out = torch.relu(self.bn1(self.conv1(x)))
        out = torch.relu(self.bn2(self.conv2(out)))
        return torch.relu(self.bn3(self.conv3(out)) + identity)


class ResNet(nn.Module):
    def __init__(self, block, depths, width, classes, stem):
        super().__init__()
        kernel, stride = (3, 1) if stem == "cifar" else (7, 2)
        self.conv1 = nn.Conv2d(3, width, kernel, stride, kernel // 2, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        expansion = 4 if block is Bottleneck else 1
        inputs = width
        for stage, depth in enumerate(depths):
            channels = width * 2**stage
            blocks = []
            for index in range(depth):
                blocks.append(block(inputs, channels, 2 if stage > 0 and index == 0 else 1))
                inputs = channels * expansion
            setattr(self, f"layer{stage + 1}", nn.Sequential(*blocks))
        self.fc = nn.Linear(inputs, classes)

    def forward(self, x):
        x = self.maxpool(torch.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(x.mean((2, 3)))


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x):
        n, tokens, width = x.shape
        q, k, v = self.qkv(x).reshape(n, tokens, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        scores = (q @ k.transpose(-2, -1) / (width // self.heads) ** 0.5).softmax(-1)
        return self.proj((scores @ v).transpose(1, 2).reshape(n, tokens, width))


class Mlp(nn.Module):
    def __init__(self, width, hidden):
        super().__init__()
        self.fc1 = nn.Linear(width, hidden)
        self.fc2 = nn.Linear(hidden, width)

    def forward(self, x):
        return self.fc2(nn.functional.gelu(self.fc1(x)))


class Block(nn.Module):
    def __init__(self, width, heads, hidden):
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.attn = Attention(width, heads)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = Mlp(width, hidden)

    def forward(self, x):
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class Vit(nn.Module):
    def __init__(self, image, patch, width, depth, heads, ratio, classes, class_token):
        super().__init__()
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width)) if class_token else None
        count = (image // patch) ** 2 + (1 if class_token else 0)
        self.pos_embed = nn.Parameter(torch.randn(1, count, width) * 0.5)
        self.patch_embed = nn.Module()
        self.patch_embed.proj = nn.Conv2d(3, width, patch, patch)
        self.blocks = nn.Sequential(*(Block(width, heads, width * ratio) for _ in range(depth)))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, classes)

    def forward(self, x):
        x = self.patch_embed.proj(x).flatten(2).transpose(1, 2)
        if self.cls_token is not None:
            x = torch.cat([self.cls_token.expand(x.shape[0], -1, -1), x], 1)
        x = self.norm(self.blocks(x + self.pos_embed))
        return self.head(x[:, 0] if self.cls_token is not None else x.mean(1))


def noise(name, shape):
    """Numbers in [-1, 1) that look random, from whole numbers that are exact in any language."""
    start = sum((i + 1) * ord(character) for i, character in enumerate(name))
    count = math.prod(shape)
    values = [2 * ((7 * i * i + 7919 * i + start) % 10007) / 10007 - 1 for i in range(count)]
    return torch.tensor(values, dtype=torch.float64).reshape(shape)


def weight(name, shape):
    """Away from what training starts with (zeros and ones), where mistakes would not show."""
    value = noise(name, shape)
    if name.endswith("running_var"):
        return 1 + 0.5 * value
    if len(shape) == 1:
        return 0.25 * value + (0.5 if name.endswith("weight") else 0)
    if name in ("cls_token", "pos_embed"):
        return value
    return value * math.sqrt(6 / math.prod(shape[1:]))


def case(model, config, network):
    state = network.double().eval().state_dict()
    with torch.no_grad():
        for name, value in state.items():
            if value.is_floating_point():
                value.copy_(weight(name, list(value.shape)).float())
        size = config["imageSize"]
        logits = network(noise("images", [2, 3, size, size]).float().double())
    parameters = {name: list(value.shape) for name, value in state.items() if value.is_floating_point()}
    return {"model": model, "config": config, "logits": logits.tolist(), "weights": parameters}


def resnet(model, block, depths, size, stem):
    config = {"width": 4, "classes": 3, "imageSize": size, "stem": stem}
    return case(model, config, ResNet(block, depths, 4, 3, stem))


def vit(width, depth, heads, patch, ratio, class_token):
    config = {"imageSize": 8, "patch": patch, "width": width, "depth": depth, "heads": heads, "mlpRatio": ratio}
    network = Vit(8, patch, width, depth, heads, ratio, 3, class_token)
    return case("vit", {**config, "classes": 3, "classToken": class_token}, network)


cases = [
    resnet("resnet18", BasicBlock, [2, 2, 2, 2], 32, "cifar"),
    resnet("resnet18", BasicBlock, [2, 2, 2, 2], 49, "imagenet"),
    resnet("resnet34", BasicBlock, [3, 4, 6, 3], 32, "cifar"),
    resnet("resnet50", Bottleneck, [3, 4, 6, 3], 32, "cifar"),
    vit(24, 3, 3, 4, 2, True),
    vit(8, 1, 2, 2, 4, False),
]
print("[\n" + ",\n".join(json.dumps(each) for each in cases) + "\n]")
