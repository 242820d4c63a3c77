"""Trains in Python with the step of a run, by ONNX Runtime alone.

tract export runs/photos --training-step
pip install onnxruntime safetensors pillow
python train-exported-step.py runs/photos/training-step.onnx photos 2 0.01

photos holds a folder of pictures for each class; then come the number of epochs and the learning rate.
"""

import json
import random
import sys
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image
from safetensors.numpy import load_file, save_file

path, folder, epochs, rate = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
about = session.get_modelmeta().custom_metadata_map
classes = json.loads(about["class_names"])
inputs = json.loads(about["inputs"])
_, batch, _, height, width = inputs["images"]
fixed = {name: np.array(json.loads(about[name]), np.float32) for name in ("mean", "deviation")}
fixed |= {name: np.array(rate, np.float32) for name in inputs if name.startswith("learning_rate")}
state = load_file(path.with_suffix(".safetensors"))
files = [(file, label) for label, name in enumerate(classes) for file in sorted((folder / name).iterdir())]

step = int(about["step"]) - 1
for _ in range(epochs):
    random.shuffle(files)
    for at in range(0, len(files) - batch + 1, batch):
        chosen = files[at : at + batch]
        pictures = [Image.open(file).convert("RGB").resize((width, height)) for file, _ in chosen]
        step += 1
        feeds = fixed | state | {
            "images": np.stack([np.asarray(picture).transpose(2, 0, 1) for picture in pictures]),
            "labels": np.array([label for _, label in chosen], np.int32),
            "step": np.array(step, np.float64),
        }
        results = dict(zip((output.name for output in session.get_outputs()), session.run(None, feeds)))
        # What a step leaves as next/... is what the next one begins with as state/...
        state |= {f"state/{name[5:]}": value for name, value in results.items() if name.startswith("next/")}
        print(f"step {step}: loss {results['loss']:.3f}, {results['correct']:.0f} of {batch} right")
save_file(state, path.with_name("trained.safetensors"))
