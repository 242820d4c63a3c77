"""Models that `tract export` wrote, in ONNX Runtime's and PyTorch's Python packages.

Usage: python given_back.py FILE TENSORS
TENSORS is a safetensors file with images (uint8) and the logits that the run itself gives for them. PyTorch reads no
ONNX files by itself; onnx2pytorch makes a module of one. Prints a line of JSON.

       python given_back.py --pictures FOLDER SIZE
Writes a folder of small pictures to train with, and prints that it did.
"""

import json
import os
import sys
import warnings

import numpy as np


def pictures(folder, size):
    from PIL import Image

    random = np.random.RandomState(4)
    for part, count in (("train", 4), ("val", 2)):
        for label in range(10):
            os.makedirs(f"{folder}/{part}/class {label}", exist_ok=True)
            for i in range(count):
                noise = random.randint(0, 60, (size, size, 3)) + 19 * label
                Image.fromarray(noise.astype(np.uint8)).save(f"{folder}/{part}/class {label}/{i}.png")


def figures(path, tensors_path):
    import onnx
    import onnxruntime
    import torch
    from onnx2pytorch import ConvertModel
    from safetensors.numpy import load_file

    tensors = load_file(tensors_path)
    images, logits = tensors["images"], tensors["logits"]
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (given,) = session.get_inputs()
    metadata = session.get_modelmeta().custom_metadata_map
    if given.type == "tensor(float)":
        mean, deviation = (
            np.array(json.loads(metadata[key])).reshape(1, -1, 1, 1) for key in ("mean", "deviation")
        )
        images = ((images / 255.0 - mean) / deviation).astype(np.float32)
    (by_runtime,) = session.run(None, {given.name: images})
    found = {"input": given.type, "shape": given.shape, "onnxruntime": distance(by_runtime, logits)}
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            module = ConvertModel(onnx.load(path)).eval()
            found["pytorch"] = distance(module(torch.from_numpy(images)).numpy(), logits)
    except Exception as error:
        found["pytorchError"] = f"{type(error).__name__}: {str(error).strip().splitlines()[0][:200]}"
    return found


def distance(a, b):
    return float(np.linalg.norm(a - b) / np.linalg.norm(b))


if __name__ == "__main__":
    if sys.argv[1] == "--pictures":
        pictures(sys.argv[2], int(sys.argv[3]))
        print("{}")
    else:
        print(json.dumps(figures(*sys.argv[1:])))
