"""Writes the small files of src/models/fixtures: tiny members of families, with what PyTorch computes of them in float64.

Usage: python fixtures.py ../../src/models/fixtures [NAME...]
"""

import copy
import sys

import numpy as np
import onnx
import onnx.numpy_helper
import torch
from safetensors.numpy import save_file

import common
from reference import export, run, settled
from tiny import FIXTURES


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
