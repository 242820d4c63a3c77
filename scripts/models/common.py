"""What the references of PyTorch and Keras have in common."""

import functools
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
RATES = tuple(10.0**-digits for digits in range(3, 9))
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


class Comparison:
    """What is computed in float64 of the tensors of a file, and how far float32 is from that.

    `run(tensors, dtype, rate)` takes steps at a rate, and gives tensors for the file, the gradients of all parameters and
    how many tensors of the file are known. The rate is the first of several at which float32 takes the same steps: where
    it does not, steps amplify rounding so much that they say nothing of anybody.
    """

    def __init__(self, run, tensors):
        self.run, self.tensors = run, tensors
        for self.rate in RATES:
            self.result, self.gradients, self.matched = run(tensors, "float64", self.rate)
            single = self.single(tensors)
            if single["steps"] <= 1e-3:
                break
        figures = {"rate": self.rate, "float32/gradients": single["gradients"], "float32/steps": single["steps"]}
        self.result |= {name: np.array([value]) for name, value in figures.items()}

    def single(self, tensors):
        result, gradients, _ = self.run(tensors, "float32", self.rate)
        losses, wanted = self.result["losses"], self.gradients
        scale = max(np.linalg.norm(g) for g in wanted.values())
        errors = [np.linalg.norm(g - gradients[n]) / max(np.linalg.norm(g), 1e-4 * scale) for n, g in wanted.items()]
        return {"gradients": max(errors), "steps": np.abs(result["losses"] - losses).max() / losses.min()}

    def rounded(self, draws):
        """The worst of several runs in float32 with weights that are off by a rounding."""
        random = np.random.RandomState(5)

        def off(array):
            if array.dtype != np.float32:
                return array
            return (array * (1 + 2**-24 * random.uniform(-1, 1, array.shape))).astype(np.float32)

        found = [self.single({n: off(array) for n, array in self.tensors.items()}) for _ in range(draws)]
        return {name: float(max(one[name] for one in found)) for name in found[0]}


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


def serve(packages, models, settle, export, run):
    """Makes the files that are asked for: a line `name exporter mode` on the standard input is one.

    The first line on the standard output says which models there are, and each further one that files are complete, or
    why they are not. A line `rounded draws` is answered by how far float32 is from float64 in so many runs of the last
    file. `models` are tuples of name, family, size and constructor. `settle(constructor, size)` gives the model that
    `export(model, path, exporter, training, size)` and `run(model, training, size, tensors, dtype, rate)` take.
    """
    (out,) = sys.argv[1:]
    known = {name: rest for name, *rest in models}
    versions = {name: importlib.metadata.version(name) for name in packages}
    tell({"models": {name: family for name, (family, *_) in known.items()}, "versions": versions})
    settled = None, None
    for line in sys.stdin:
        try:
            if line.startswith("rounded "):
                tell(comparison.rounded(int(line.split()[1])))
                continue
            name, exporter, mode = line.split()
            _, size, make = known[name]
            if settled[0] != name:
                settled = name, settle(make, size)
            model, training, path = settled[1], mode == "training", f"{out}/{name}.{exporter}.{mode}"
            export(model, f"{path}.onnx", exporter, training, size)
            comparison = Comparison(functools.partial(run, model, training, size), tensors_of(f"{path}.onnx"))
            save(comparison.result, f"{path}.safetensors")
            tell({"matched": comparison.matched})
        except Exception as error:
            tell({"error": short(error)})


def tell(line):
    # What exporters print comes out in the same place.
    print(f"\n> {json.dumps(line)}", flush=True)
