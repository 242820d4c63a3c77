"""A training step in float64, by ONNX Runtime: what is wrong in it is no rounding.

The step is the one that is trained with, as `exportTrainingStep` writes it, with every float32 in it made a float64. ONNX
Runtime has no kernels in float64 for some operators; these are written as others (a convolution as a matrix product of
patches, the error function as a series).

Usage: python double.py PATH
Reads PATH.step.onnx, perhaps PATH.tract.onnx, the state that both begin with in PATH.state.safetensors, and what
reference.py computed in PATH.wanted.safetensors, all of which measure.mjs writes; prints a line of JSON.
"""

import json
import math
import os
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import load_file

FLOAT, DOUBLE = TensorProto.FLOAT, TensorProto.DOUBLE

# Inputs that stay float32 in every version of their operators.
SINGLE = {"Resize": [1, 2], "Upsample": [1]}

# Chebyshev coefficients of erfc: Numerical Recipes, third edition, 6.2.2.
ERFC = [
    -1.3026537197817094, 6.4196979235649026e-1, 1.9476473204185836e-2, -9.561514786808631e-3,
    -9.46595344482036e-4, 3.66839497852761e-4, 4.2523324806907e-5, -2.0278578112534e-5,
    -1.624290004647e-6, 1.303655835580e-6, 1.5626441722e-8, -8.5238095915e-8,
    6.529054439e-9, 5.059343495e-9, -9.91364156e-10, -2.27365122e-10,
    9.6467911e-11, 2.394038e-12, -6.886027e-12, 8.94487e-13,
    3.13092e-13, -1.12708e-13, 3.81e-16, 7.106e-15,
    -1.523e-15, -9.4e-17, 1.21e-16, -2.8e-17,
]  # fmt: skip

# Gradients that are held against differences one by one.
SINGLE_DIFFERENCES = 6


def exact(array):
    """Constants as float64: thirds, sixths, sevenths and ninths as what they stand for, and not as float32 has them.

    Average pooling over 3 x 3 and hard swish have such ones, and PoolFormer's gradients are what is left of differences of
    such pools.
    """
    found = array.astype(np.float64)
    for parts in (3, 6, 7, 9):
        near = np.round(found * parts) / parts
        found = np.where(near.astype(np.float32) == array, near, found)
    return found


class Double:
    """Turns the graph of a model into one of float64."""

    def __init__(self, model):
        self.model = model
        graph = model.graph
        values = list(graph.value_info) + list(graph.input) + list(graph.output)
        self.shapes = {v.name: [d.dim_value for d in v.type.tensor_type.shape.dim] for v in values}
        self.shapes.update({one.name: list(one.dims) for one in graph.initializer})
        self.constants = {one.name: one for one in graph.initializer}
        self.nodes, self.added, self.count = [], {}, 0

    def converted(self):
        graph = self.model.graph
        for value in list(graph.input) + list(graph.output):
            if value.type.tensor_type.elem_type == FLOAT:
                value.type.tensor_type.elem_type = DOUBLE
        single = {n.input[i] for n in graph.node for i in SINGLE.get(n.op_type, []) if i < len(n.input)}
        for one in graph.initializer:
            if one.data_type == FLOAT and one.name not in single:
                one.CopyFrom(numpy_helper.from_array(exact(numpy_helper.to_array(one)), one.name))
        for node in graph.node:
            for attribute in node.attribute:
                if attribute.name == "to" and attribute.i == FLOAT:
                    attribute.i = DOUBLE
                if attribute.HasField("t") and attribute.t.data_type == FLOAT:
                    attribute.t.CopyFrom(numpy_helper.from_array(exact(numpy_helper.to_array(attribute.t))))
            rewrite = getattr(self, node.op_type, None)
            if rewrite is None:
                self.nodes.append(node)
            else:
                results = rewrite(node, **{a.name: helper.get_attribute_value(a) for a in node.attribute})
                for result, output in zip([results] if isinstance(results, str) else results, node.output):
                    self.add("Identity", [result], output=output)
        del graph.node[:], graph.value_info[:]
        graph.node.extend(self.nodes)
        graph.initializer.extend(self.added.values())
        return self.model

    def add(self, op, inputs, output=None, **attributes):
        self.count += 1
        names = [name if isinstance(name, str) else self.constant(name) for name in inputs]
        output = output or f"double/{self.count}"
        self.nodes.append(helper.make_node(op, names, [output], **attributes))
        return output

    def constant(self, array):
        array = np.asarray(array)
        name = f"double/constant/{len(self.added)}"
        self.added[name] = numpy_helper.from_array(array, name)
        return name

    def reshape(self, x, shape):
        return self.add("Reshape", [x, np.array(shape, np.int64)])

    def windows(self, lengths, kernel, strides, dilations, out):
        """Where each entry of a kernel looks for each position of the result: [kernel · positions], in padded images."""
        taps = np.stack(np.meshgrid(*[np.arange(k) * d for k, d in zip(kernel, dilations)], indexing="ij"), -1)
        places = np.stack(np.meshgrid(*[np.arange(o) * s for o, s in zip(out, strides)], indexing="ij"), -1)
        at = taps.reshape(-1, 1, len(kernel)) + places.reshape(1, -1, len(kernel))
        return np.ravel_multi_index(np.moveaxis(at, -1, 0), lengths).reshape(-1).astype(np.int64)

    def patches(self, x, kernel, strides, dilations, pads, out):
        """[N, C, kernel · positions], and the padded lengths."""
        n, c, *image = self.shapes[x]
        rank = len(image)
        wide = [(o - 1) * s + (k - 1) * d + 1 for o, s, k, d in zip(out, strides, kernel, dilations)]
        end = [max(p, w - b - i) for p, w, b, i in zip(pads[rank:], wide, pads[:rank], image)]
        lengths = [b + i + e for b, i, e in zip(pads[:rank], image, end)]
        padded = self.add("Pad", [x, np.array([0, 0, *pads[:rank], 0, 0, *end], np.int64)])
        flat = self.reshape(padded, [n, c, math.prod(lengths)])
        return self.add("Gather", [flat, self.windows(lengths, kernel, strides, dilations, out)], axis=2)

    def Conv(self, node, group=1, strides=None, dilations=None, pads=None, kernel_shape=None, auto_pad=b"NOTSET"):
        assert auto_pad == b"NOTSET"
        x, weight, *bias = node.input
        m, c, *kernel = self.shapes[weight]
        n, _, *out = self.shapes[node.output[0]]
        rank = len(kernel)
        ones = [1] * rank
        columns = self.patches(x, kernel, strides or ones, dilations or ones, pads or [0] * 2 * rank, out)
        rows = self.reshape(columns, [n, group, c * math.prod(kernel), math.prod(out)])
        weights = self.reshape(weight, [1, group, m // group, c * math.prod(kernel)])
        z = self.reshape(self.add("MatMul", [weights, rows]), [n, m, *out])
        return self.add("Add", [z, self.reshape(bias[0], [m, *ones])]) if bias else z

    def ConvTranspose(
        self, node, group=1, strides=None, dilations=None, pads=None, kernel_shape=None, output_padding=None,
        output_shape=None, auto_pad=b"NOTSET",
    ):  # fmt: skip
        assert auto_pad == b"NOTSET" and output_shape is None
        x, weight, *bias = node.input
        m, c, *kernel = self.shapes[weight]
        n, _, *image = self.shapes[x]
        out = self.shapes[node.output[0]][2:]
        rank = len(kernel)
        ones = [1] * rank
        strides, dilations, pads = strides or ones, dilations or ones, pads or [0] * 2 * rank
        wide = [(i - 1) * s + (k - 1) * d + 1 for i, s, k, d in zip(image, strides, kernel, dilations)]
        lengths = [max(w, p + o) for w, p, o in zip(wide, pads, out)]
        size, positions = math.prod(kernel), math.prod(image)
        weights = self.reshape(weight, [group, m // group, c * size])
        turned = self.add("Transpose", [weights], perm=[0, 2, 1])
        rows = self.reshape(x, [n, group, m // group, positions])
        columns = self.reshape(self.add("MatMul", [turned, rows]), [n * group * c, size * positions])
        at = self.windows(lengths, kernel, strides, dilations, image)
        zeros = self.add("Expand", [np.zeros([1, 1]), np.array([n * group * c, math.prod(lengths)], np.int64)])
        where = self.add("Expand", [at[None], np.array([n * group * c, len(at)], np.int64)])
        full = self.add("ScatterElements", [zeros, where, columns], axis=1, reduction="add")
        full = self.reshape(full, [n, group * c, *lengths])
        begin, axes = np.array(pads[:rank], np.int64), np.arange(2, 2 + rank, dtype=np.int64)
        z = self.add("Slice", [full, begin, begin + np.array(out, np.int64), axes])
        return self.add("Add", [z, self.reshape(bias[0], [-1, *ones])]) if bias else z

    def AveragePool(
        self, node, kernel_shape, strides=None, dilations=None, pads=None, ceil_mode=0, count_include_pad=0,
        auto_pad=b"NOTSET",
    ):  # fmt: skip
        assert auto_pad == b"NOTSET"
        (x,) = node.input
        n, c, *image = self.shapes[x]
        out = self.shapes[node.output[0]][2:]
        rank = len(image)
        ones = [1] * rank
        strides, dilations, pads = strides or ones, dilations or ones, pads or [0] * 2 * rank
        columns = self.patches(x, kernel_shape, strides, dilations, pads, out)
        rows = self.reshape(columns, [n, c, math.prod(kernel_shape), *out])
        counts = np.ones([])
        for i, k, s, d, b, e, o in zip(image, kernel_shape, strides, dilations, pads[:rank], pads[rank:], out):
            at = np.arange(o)[:, None] * s + np.arange(k)[None] * d
            inside = at < b + i + e if count_include_pad else (at >= b) & (at < b + i)
            counts = counts[..., None] * inside.sum(1)
        return self.add("Div", [self.add("ReduceSum", [rows, np.array([2])], keepdims=0), counts])

    def GlobalAveragePool(self, node):
        axes = np.arange(2, len(self.shapes[node.input[0]]))
        return self.add("ReduceMean", [node.input[0], axes], keepdims=1)

    def LayerNormalization(self, node, axis=-1, epsilon=1e-5, stash_type=1):
        x, scale, *bias = node.input
        rank = len(self.shapes[x])
        axes = np.arange(axis % rank, rank)
        mean = self.add("ReduceMean", [x, axes], keepdims=1)
        centred = self.add("Sub", [x, mean])
        variance = self.add("ReduceMean", [self.add("Mul", [centred, centred]), axes], keepdims=1)
        inverse = self.add("Reciprocal", [self.add("Sqrt", [self.add("Add", [variance, epsilon])])])
        y = self.add("Mul", [self.add("Mul", [centred, inverse]), scale])
        return (self.add("Add", [y, bias[0]]) if bias else y), mean, inverse

    def Gelu(self, node, approximate=b"none"):
        x = node.input[0]
        if approximate == b"tanh":
            cubed = self.add("Mul", [self.add("Mul", [x, x]), x])
            inner = self.add(
                "Mul", [self.add("Add", [x, self.add("Mul", [cubed, 0.044715])]), math.sqrt(2 / math.pi)]
            )
            curve = self.add("Tanh", [inner])
        else:
            curve = self.erf(self.add("Mul", [x, math.sqrt(0.5)]))
        return self.add("Mul", [self.add("Mul", [x, 0.5]), self.add("Add", [curve, 1.0])])

    def Erf(self, node):
        return self.erf(node.input[0])

    def erf(self, x):
        z = self.add("Abs", [x])
        t = self.add("Div", [2.0, self.add("Add", [z, 2.0])])
        ty = self.add("Sub", [self.add("Mul", [t, 4.0]), 2.0])
        d = self.add("Mul", [ty, 0.0])
        dd = d
        for coefficient in ERFC[:0:-1]:
            d, dd = self.add("Add", [self.add("Sub", [self.add("Mul", [ty, d]), dd]), coefficient]), d
        series = self.add("Mul", [self.add("Add", [self.add("Mul", [ty, d]), ERFC[0]]), 0.5])
        power = self.add("Sub", [self.add("Sub", [series, self.add("Mul", [z, z])]), dd])
        erfc = self.add("Mul", [t, self.add("Exp", [power])])
        return self.add("Mul", [self.add("Sign", [x]), self.add("Sub", [1.0, erfc])])

    def HardSigmoid(self, node, alpha=0.2, beta=0.5):
        return self.hard_sigmoid(node.input[0], alpha, beta)

    def HardSwish(self, node):
        return self.add("Mul", [node.input[0], self.hard_sigmoid(node.input[0], 1 / 6, 0.5)])

    def hard_sigmoid(self, x, alpha, beta):
        line = self.add("Add", [self.add("Mul", [x, alpha]), beta])
        return self.add("Max", [self.add("Min", [line, 1.0]), 0.0])

    def Elu(self, node, alpha=1.0):
        x = node.input[0]
        low = self.add("Mul", [self.add("Sub", [self.add("Exp", [self.add("Min", [x, 0.0])]), 1.0]), alpha])
        return self.add("Where", [self.add("Less", [x, 0.0]), low, x])

    def Softplus(self, node):
        x = node.input[0]
        rest = self.add(
            "Log", [self.add("Add", [self.add("Exp", [self.add("Neg", [self.add("Abs", [x])])]), 1.0])]
        )
        return self.add("Add", [self.add("Max", [x, 0.0]), rest])

    def LeakyRelu(self, node, alpha=0.01):
        x = node.input[0]
        return self.add("Where", [self.add("Less", [x, 0.0]), self.add("Mul", [x, alpha]), x])


def session(path):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(
        Double(onnx.load(path)).converted().SerializeToString(), options, providers=["CPUExecutionProvider"]
    )


def distance(a, b, floor=0.0):
    return float(np.linalg.norm(a - b) / max(np.linalg.norm(b), floor, 1e-300))


class Step:
    """A training step that takes and gives its state."""

    def __init__(self, path, tensors, rate):
        self.program = session(path)
        self.fixed = {
            "images": tensors["images"],
            "labels": tensors["labels"],
            "mean": np.full(3, 0.5),
            "deviation": np.full(3, 0.25),
            "learning_rate": np.array(rate),
        }

    def __call__(self, state, number=1):
        feeds = {f"state/{name}": value for name, value in state.items()} | self.fixed
        feeds["step"] = np.array(float(number))
        names = [one.name for one in self.program.get_outputs()]
        return dict(
            zip(names, self.program.run(None, {one.name: feeds[one.name] for one in self.program.get_inputs()}))
        )


def of(prefix, tensors):
    return {name[len(prefix) :]: value for name, value in tensors.items() if name.startswith(prefix)}


def difference(step, begin, gradients, names):
    """How far the change of the loss in a direction at random is from what the gradients say of it.

    Long steps go around corners, and short ones are lost in rounding: the better of two.
    """
    return min(one_difference(step, begin, gradients, names, length) for length in (1e-4, 1e-6))


def one_difference(step, begin, gradients, names, length):
    random = np.random.RandomState(3)
    moved, slope, typical = {}, 0.0, 0.0
    for name in names:
        direction = random.standard_normal(begin[name].shape)
        direction *= length * max(np.linalg.norm(begin[name]), 1e-3) / np.linalg.norm(direction)
        moved[name] = direction
        slope += float((gradients[name] * direction).sum())
        typical += (np.linalg.norm(gradients[name]) * np.linalg.norm(direction)) ** 2 / direction.size
    up, down = (
        float(step({**begin, **{name: begin[name] + sign * d for name, d in moved.items()}})["loss"])
        for sign in (1, -1)
    )
    return abs((up - down) / 2 - slope) / max(abs(slope), math.sqrt(typical), 1e-12)


def figures(path):
    """How far loss, gradients, running statistics and the losses of all steps are from PyTorch's.

    Gradients of tensors that are no parameter of PyTorch's are held against differences of the loss; they stay as they are
    in the steps that follow.
    """
    tensors = load_file(f"{path}.wanted.safetensors")
    rate = float(tensors["rate"][0])
    begin = {name: value.astype(np.float64) for name, value in load_file(f"{path}.state.safetensors").items()}
    step = Step(f"{path}.step.onnx", tensors, rate)
    wanted, statistics = of("gradient/", tensors), of("statistics/", tensors)
    first = step(begin)
    changed = {name: value for name, value in begin.items() if f"next/{name}" in first}
    gradients = {name: (value - first[f"next/{name}"]) / rate for name, value in changed.items()}
    floor = 1e-4 * max(np.linalg.norm(g) for g in wanted.values())
    errors = {name: distance(gradients[name], g, floor) for name, g in wanted.items()}
    worst = max(errors, key=errors.get)
    found = {"gradients": errors[worst], "worst": worst}
    if statistics:
        found["statistics"] = max(distance(first[f"next/{name}"], s) for name, s in statistics.items())
    losses, state = [], begin
    for number in range(len(tensors["losses"])):
        results = step(state, number + 1)
        losses.append(float(results["loss"]))
        kept = wanted.keys() | statistics.keys()
        state = {name: results[f"next/{name}"] if name in kept else value for name, value in state.items()}
    errors = np.abs(np.array(losses) - tensors["losses"]) / tensors["losses"]
    found["loss"], found["steps"] = float(errors[0]), float(errors.max())
    others = [name for name in changed if name not in wanted and name not in statistics]
    # Some by themselves, and all together.
    for names in [[name] for name in others[:SINGLE_DIFFERENCES]] + ([others] if others else []):
        error = difference(step, begin, gradients, names)
        if not error <= found.get("others", 0.0):
            found["others"], found["worstOther"] = error, names[0] if len(names) == 1 else "all"
    transformed = of("tract/", tensors)
    if transformed and os.path.exists(f"{path}.tract.onnx"):
        results = Step(f"{path}.tract.onnx", tensors, 1.0)(begin)
        found["tract"] = max(distance(begin[name] - results[f"next/{name}"], g) for name, g in transformed.items())
    return found


if __name__ == "__main__":
    # JSON has no number that is none.
    found = {key: None if value != value else value for key, value in figures(sys.argv[1]).items()}
    print(json.dumps(found))
