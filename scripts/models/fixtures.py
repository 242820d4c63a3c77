"""Writes the small files of src/models/fixtures: tiny members of families, with what PyTorch computes of them in float64.

Usage: python fixtures.py ../../src/models/fixtures [NAME...]
"""

import copy
import sys

import numpy as np
import onnx
import onnx.numpy_helper
import timm
import torch
import torchvision.models as tv
from safetensors.numpy import save_file
from torch import nn

import common
from reference import export, run, settled

C = 10


def resnet():
    class Narrow(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1 = nn.Conv2d(3, 8, 3, 2, 1, bias=False)
            self.bn1 = nn.BatchNorm2d(8)
            self.pool = nn.MaxPool2d(3, 2, 1)
            self.layer1 = tv.resnet.BasicBlock(8, 8)
            down = nn.Sequential(nn.Conv2d(8, 12, 1, 2, bias=False), nn.BatchNorm2d(12))
            self.layer2 = tv.resnet.BasicBlock(8, 12, 2, down)
            self.fc = nn.Linear(12, C)

        def forward(self, x):
            x = self.pool(torch.relu(self.bn1(self.conv1(x))))
            x = nn.functional.adaptive_avg_pool2d(self.layer2(self.layer1(x)), 1)
            return self.fc(torch.flatten(x, 1))

    return Narrow()


def mobilenet():
    Config = tv.mobilenetv3.InvertedResidualConfig
    settings = [
        Config(8, 3, 8, 8, True, "RE", 2, 1, 1.0),
        Config(8, 5, 16, 8, True, "HS", 1, 1, 1.0),
        Config(8, 3, 16, 12, False, "HS", 2, 1, 1.0),
    ]
    return tv.MobileNetV3(settings, 24, num_classes=C)


FIXTURES = [
    ("resnet", 32, resnet, [("torchscript", True), ("torchscript", False), ("dynamo", False)]),
    ("mobilenet", 32, mobilenet, [("torchscript", True), ("dynamo", True)]),
    (
        "vit",
        32,
        lambda: timm.models.vision_transformer.VisionTransformer(
            img_size=32, patch_size=8, num_classes=C, embed_dim=12, depth=2, num_heads=3, mlp_ratio=2
        ),
        [("torchscript", True), ("dynamo", False)],
    ),
    (
        "swin",
        32,
        lambda: tv.SwinTransformer([2, 2], 8, [2, 2], [2, 2], [4, 4], mlp_ratio=2, num_classes=C),
        [("torchscript", False), ("dynamo", True)],
    ),
    (
        "convnext",
        32,
        lambda: timm.models.convnext.ConvNeXt(num_classes=C, depths=(1, 1, 1, 1), dims=(8, 12, 16, 20)),
        [("torchscript", True)],
    ),
]


def main():
    out, *names = sys.argv[1:]
    common.BATCH = 4
    for name, size, make, exports in FIXTURES:
        if names and name not in names:
            continue
        torch.manual_seed(0)
        model = make()
        model.size = size
        model = settled(model, size)
        for exporter, training in exports:
            mode = "training" if training else "inference"
            path = f"{out}/{name}.{exporter}.{mode}"
            export(copy.deepcopy(model), f"{path}.onnx", exporter, training, size)
            file = onnx.load(f"{path}.onnx")
            # What a debugger is told takes half of the file.
            for node in file.graph.node:
                del node.metadata_props[:]
                node.doc_string = ""
            del file.graph.value_info[:]
            del file.graph.metadata_props[:]
            onnx.save(file, f"{path}.onnx")
            tensors = {one.name: onnx.numpy_helper.to_array(one) for one in file.graph.initializer}
            result, _, matched = run(model, training, size, tensors, torch.float64)
            single = {k: v.astype(np.float32) if v.dtype == np.float64 else v for k, v in result.items()}
            save_file({k: np.ascontiguousarray(v) for k, v in single.items()}, f"{path}.safetensors")
            print(path, matched, flush=True)


if __name__ == "__main__":
    main()
