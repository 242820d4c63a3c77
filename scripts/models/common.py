"""What the references of PyTorch and Keras have in common."""

import importlib.metadata
import json
import re
import sys

import numpy as np
import onnx
import onnx.numpy_helper
from safetensors.numpy import save_file

BATCH = 8
CLASSES = 10
STEPS = 5
# Random weights without batch normalisation are thrown far by steps that others hardly notice.
RATES = (0.001, 0.0001, 0.00001)
LAMBDA = 0.1


def images_of(size):
    random = np.random.RandomState(2)
    images = random.randint(0, 256, (BATCH, 3, size, size)).astype(np.uint8)
    labels = (np.arange(BATCH) % CLASSES).astype(np.int32)
    return images, labels


def as_float32(number):
    """A number as a file has it."""
    return float(np.float32(number))


def transformed(rows, gradient):
    """TrAct's gradient of [inputs, outputs] of a layer whose inputs are `rows`: [positions, inputs]."""
    gram = rows.T @ rows / len(rows) + LAMBDA * np.eye(rows.shape[1], dtype=rows.dtype)
    return np.linalg.solve(gram, gradient)


def compared(run):
    """What is computed in float64, with how far float32 is from that.

    `run(dtype, rate)` takes steps at a rate, and gives tensors for the file, the gradients of all parameters and how many
    tensors of the file are known. The rate is the first of several at which the model trains.
    """
    for rate in RATES:
        result, own, matched = run("float64", rate)
        losses = result["losses"]
        # A loss that explodes amplifies rounding without end.
        if np.all(losses < 1.5 * losses[0] + 0.5):
            break
    single, other, _ = run("float32", rate)
    scale = max(np.linalg.norm(g) for g in own.values())
    errors = [np.linalg.norm(g - other[name]) / max(np.linalg.norm(g), 1e-4 * scale) for name, g in own.items()]
    steps = np.abs(single["losses"] - losses).max() / losses.min()
    figures = {"rate": rate, "float32/gradients": max(errors), "float32/steps": steps}
    return result | {name: np.array([value]) for name, value in figures.items()}, matched


def tensors_of(path):
    """The tensors of an ONNX file by their names."""
    return {one.name: onnx.numpy_helper.to_array(one) for one in onnx.load(path).graph.initializer}


def save(result, path):
    save_file({name: np.ascontiguousarray(value) for name, value in result.items()}, path)


def short(error):
    """What an error began with, in a line without the colours of a terminal."""
    while error.__cause__ is not None:
        error = error.__cause__
    text = re.sub(r"\x1b\[\d+m", "", str(error)).strip()
    return f"{type(error).__name__}: {text.splitlines()[0][:200] if text else ''}"


def serve(packages, models, settle, export, reference):
    """Makes the files that are asked for: a line `name exporter mode` on the standard input is one.

    The first line on the standard output says which models there are, and each further one that files are complete, or
    why they are not. `models` are tuples of name, family, size and constructor. `settle(constructor, size)` gives what
    `export(model, path, exporter, training, size)` and `reference(model, training, size, tensors)` take.
    """
    (out,) = sys.argv[1:]
    known = {name: rest for name, *rest in models}
    versions = {name: importlib.metadata.version(name) for name in packages}
    tell({"models": {name: family for name, (family, *_) in known.items()}, "versions": versions})
    settled = None, None
    for line in sys.stdin:
        name, exporter, mode = line.split()
        try:
            _, size, make = known[name]
            if settled[0] != name:
                settled = name, settle(make, size)
            model, training, path = settled[1], mode == "training", f"{out}/{name}.{exporter}.{mode}"
            export(model, f"{path}.onnx", exporter, training, size)
            result, matched = reference(model, training, size, tensors_of(f"{path}.onnx"))
            save(result, f"{path}.safetensors")
            tell({"matched": matched})
        except Exception as error:
            tell({"error": short(error)})


def tell(line):
    # What exporters print comes out in the same place.
    print(f"\n> {json.dumps(line)}", flush=True)
