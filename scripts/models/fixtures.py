"""Writes the small files of src/models/fixtures: tiny members of families, with what PyTorch computes of them in float64.

Usage: python fixtures.py ../../src/models/fixtures [NAME...]
Takes a Python with requirements.txt; and one with keras-requirements.txt for the one of Keras, if its name is given: keras.
"""

import sys

import numpy as np
import onnx

import common
from common import RATES, save, tensors_of

# Steps of the usual size amplify rounding in this one until losses differ.
SLOWER = {"dla": 1e-4}


def write(reference, settled, path, exporter, training, size, rate):
    reference.export(settled, f"{path}.onnx", exporter, training, size)
    file = onnx.load(f"{path}.onnx")
    # What a debugger is told takes half of the file.
    for node in file.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    del file.graph.value_info[:]
    del file.graph.metadata_props[:]
    onnx.save(file, f"{path}.onnx")
    tensors = tensors_of(f"{path}.onnx")
    result, _, matched = reference.run(settled, training, size, tensors, "float64", rate)
    result["rate"] = np.array([rate])
    save(
        {k: v.astype(np.float32) if v.dtype == np.float64 else v for k, v in result.items()},
        f"{path}.safetensors",
    )
    print(path, matched, flush=True)


def main():
    out, *names = sys.argv[1:]
    common.BATCH = 4
    if names == ["keras"]:
        import keras_reference as reference

        fixtures = [("keras", 32, reference.own, [("tf2onnx", True), ("tf2onnx", False)])]
    else:
        import reference
        from tiny import FIXTURES as fixtures
    for name, size, make, exports in fixtures:
        if names and name not in names:
            continue
        settled = reference.settled(make, size)
        for exporter, training in exports:
            mode = "training" if training else "inference"
            path, rate = f"{out}/{name}.{exporter}.{mode}", SLOWER.get(name, RATES[0])
            write(reference, settled, path, exporter, training, size, rate)


if __name__ == "__main__":
    main()
