"""Writes the small files of src/models/fixtures: tiny members of families, with what PyTorch computes of them in float64.

Usage: python fixtures.py ../../src/models/fixtures [NAME...]
"""

import sys

import numpy as np
import onnx

import common
from common import RATES, save, tensors_of
from reference import export, run, settled
from tiny import FIXTURES


def main():
    out, *names = sys.argv[1:]
    common.BATCH = 4
    for name, size, make, exports in FIXTURES:
        if names and name not in names:
            continue
        model = settled(make, size)
        for exporter, training in exports:
            mode = "training" if training else "inference"
            path = f"{out}/{name}.{exporter}.{mode}"
            export(model, f"{path}.onnx", exporter, training, size)
            file = onnx.load(f"{path}.onnx")
            # What a debugger is told takes half of the file.
            for node in file.graph.node:
                del node.metadata_props[:]
                node.doc_string = ""
            del file.graph.value_info[:]
            del file.graph.metadata_props[:]
            onnx.save(file, f"{path}.onnx")
            tensors = tensors_of(f"{path}.onnx")
            result, _, matched = run(model, training, size, tensors, "float64", RATES[0])
            save(
                {k: v.astype(np.float32) if v.dtype == np.float64 else v for k, v in result.items()},
                f"{path}.safetensors",
            )
            print(path, matched, flush=True)


if __name__ == "__main__":
    main()
