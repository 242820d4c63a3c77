"""Exports models, and says what PyTorch computes of them in float64.

For a model, exporter and mode this writes `<name>.<exporter>.<mode>.onnx` and, beside it, a safetensors file with
images, labels, logits, the gradient of every tensor of the file, running statistics after a step, the losses of five
steps of SGD, and TrAct's gradient of the first convolution.

Usage: echo resnet18 torchscript training | python reference.py OUT_FOLDER
"""

import copy
import functools
import io
import contextlib
import warnings

import numpy as np
import torch

import common
from common import STEPS, as_float32, images_of, serve, transformed
from zoo import MODELS


def settled(make, size):
    """A model with parameters that are all different, statistics that are those of some images, and no randomness."""
    torch.manual_seed(0)
    model = make()
    generator = torch.Generator().manual_seed(1)

    def noise(tensor):
        return torch.randn(tensor.shape, generator=generator, dtype=torch.float32)

    for module in model.modules():
        if type(module).__name__.lower().startswith("dropout"):
            module.p = 0.0
        for name in ("drop_prob", "drop_rate", "drop_path_rate"):
            if isinstance(getattr(module, name, None), float):
                setattr(module, name, 0.0)
        if type(module).__name__ == "StochasticDepth":
            module.p = 0.0
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            # Exporters make one tensor of equal ones, and a matrix of few numbers may be its own transpose.
            if parameter.dim() < 2:
                parameter += 0.05 * noise(parameter)
            elif len(parameter.unique()) < parameter.numel() / 2:
                parameter += 0.02 * noise(parameter)
        norms = [m for m in model.modules() if isinstance(m, torch.nn.modules.batchnorm._BatchNorm)]
        momenta = [m.momentum for m in norms]
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None
        model.train()
        for _ in range(2):
            model(torch.randn(common.BATCH, 3, size, size, generator=generator))
        for norm, momentum in zip(norms, momenta):
            norm.momentum = momentum
    return model


def export(model, path, exporter, training, size):
    x = torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(2))
    model = copy.deepcopy(model).train(training)
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(
        io.StringIO()
    ):
        warnings.simplefilter("ignore")
        if exporter == "torchscript":
            mode = torch.onnx.TrainingMode
            torch.onnx.export(
                model,
                (x,),
                path,
                dynamo=False,
                training=mode.TRAINING if training else mode.EVAL,
                do_constant_folding=not training,
                input_names=["input"],
                output_names=["output"],
                dynamic_axes={"input": {0: "batch"}, "output": {0: "batch"}},
            )
        else:
            # Optimized, the new exporter folds batch normalisation into convolutions in either mode.
            torch.onnx.export(
                model.eval(),
                (x,),
                path,
                dynamo=True,
                optimize=not training,
                external_data=False,
                dynamic_shapes=({0: torch.export.Dim("batch")},),
            )


def pairs(model, size):
    """Batch normalisations by name, each with the convolution or linear layer whose result it gets, and nobody else."""
    made, users, found, alive = {}, {}, [], []

    def hook(name, module, inputs, output):
        # A tensor is told by where it is, as long as it is there.
        alive.extend([inputs, output])
        made[id(output)] = (name, output)
        users[id(inputs[0])] = users.get(id(inputs[0]), 0) + 1
        if isinstance(module, torch.nn.modules.batchnorm._BatchNorm) and id(inputs[0]) in made:
            found.append((name, made[id(inputs[0])]))

    def register(name, module):
        return module.register_forward_hook(lambda *arguments: hook(name, *arguments))

    kinds = (torch.nn.Conv2d, torch.nn.ConvTranspose2d, torch.nn.Linear, torch.nn.modules.batchnorm._BatchNorm)
    hooks = [register(name, m) for name, m in model.named_modules() if isinstance(m, kinds)]
    with torch.no_grad():
        model(torch.zeros(2, 3, size, size))
    for one in hooks:
        one.remove()
    modules = dict(model.named_modules())
    return [
        (norm, layer)
        for norm, (layer, value) in found
        if not isinstance(modules[layer], torch.nn.modules.batchnorm._BatchNorm) and users[id(value)] == 1
    ]


def folded(model, size, tensors):
    """The model with the batch normalisation folded that the exporter folded: the one whose statistics the file lacks.

    What was folded stays in the model as one that changes nothing, so that what belongs to it (an activation, say) does.
    """
    model = copy.deepcopy(model).eval()
    modules = dict(model.named_modules())
    for norm, layer in pairs(model, size):
        if f"{norm}.running_mean" in tensors:
            continue
        norm, layer = modules[norm], modules[layer]
        with torch.no_grad():
            scale = norm.weight.double() / torch.sqrt(norm.running_var.double() + norm.eps)
            bias = 0 if layer.bias is None else layer.bias.double()
            shift = norm.bias.double() + (bias - norm.running_mean.double()) * scale
            if isinstance(layer, torch.nn.ConvTranspose2d):
                scale = scale.reshape(layer.groups, -1).repeat_interleave(layer.in_channels // layer.groups, 0)
                scale = scale[..., None, None]
            else:
                scale = scale.reshape([-1] + [1] * (layer.weight.dim() - 1))
            layer.weight.copy_((layer.weight.double() * scale).float())
            layer.bias = torch.nn.Parameter(shift.float())
            norm.weight.fill_(1)
            norm.bias.zero_()
            norm.running_mean.zero_()
            norm.running_var.fill_(1)
        norm.eps = 0.0
        norm.requires_grad_(False)
        norm.folded = True
    return model


def first_convolution(model, x):
    """The first convolution that runs, with what goes into it and the gradient of what comes out."""
    seen = []

    def hook(module, inputs, output):
        if not seen:
            gradients = []
            # Before whatever follows changes the output in place.
            output.register_hook(gradients.append)
            seen.append((module, inputs[0].detach().clone(), output.shape, gradients))

    hooks = [m.register_forward_hook(hook) for m in model.modules() if isinstance(m, torch.nn.Conv2d)]
    logits = model(x)
    for one in hooks:
        one.remove()
    return logits, seen[0] if seen else None


def tract(module, x, shape, gradients):
    if module.groups != 1 or isinstance(module.padding, str) or module.padding_mode != "zeros":
        return None
    # Its weights are computed of its parameters at every step.
    if "Std" in type(module).__name__:
        return None
    columns = torch.nn.functional.unfold(x, module.kernel_size, module.dilation, module.padding, module.stride)
    rows = columns.permute(0, 2, 1).reshape(-1, columns.shape[1])
    g = gradients[0].permute(0, 2, 3, 1).reshape(-1, shape[1])
    return torch.from_numpy(transformed(rows.numpy(), (rows.T @ g).numpy())).T.reshape(module.weight.shape)


def run(model, training, size, tensors, dtype, rate):
    """What PyTorch computes of a file's tensors."""
    dtype = getattr(torch, dtype)
    images, labels = images_of(size)
    model = copy.deepcopy(model)
    with torch.no_grad():
        # Exporting for training runs the model, which moves the statistics that the file then has.
        for name, buffer in model.named_buffers():
            if training and name in tensors and buffer.shape == tensors[name].shape:
                buffer.copy_(torch.from_numpy(tensors[name].copy()))
    model = (model if training else folded(model, size, tensors)).to(dtype)
    for module in model.modules():
        # A file has them as float32, and what a batch norm keeps instead of what it takes.
        if isinstance(getattr(module, "eps", None), float):
            module.eps = as_float32(module.eps)
        if isinstance(getattr(module, "momentum", None), float):
            module.momentum = 1 - as_float32(1 - module.momentum)
    parameters = {name: p for name, p in model.named_parameters() if p.requires_grad}
    matched = match({name: p.detach().clone() for name, p in parameters.items()}, tensors)
    with torch.no_grad():
        # Folded weights are rounded by whoever folds them; those of the file count.
        for name, (source, turned) in matched.items():
            turned(parameters[source]).copy_(torch.from_numpy(tensors[name].copy()))
    x = torch.from_numpy((images / 255.0 - 0.5) / 0.25).to(dtype)
    y = torch.from_numpy(labels.astype(np.int64))
    with torch.no_grad():
        answer = model.eval()(x)
    # Whichever mode a file was exported in: what is left of batch normalisation takes its statistics from the batch.
    model.train()
    for module in model.modules():
        if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
            module.train(not hasattr(module, "folded"))
    logits, first = first_convolution(model, x)
    loss = torch.nn.functional.cross_entropy(logits, y)
    loss.backward()
    result = {"images": images, "labels": labels, "logits": answer.numpy()}
    own = {name: p.grad.clone() for name, p in parameters.items() if p.grad is not None}
    for name, (source, turned) in matched.items():
        if source in own:
            result[f"gradient/{name}"] = turned(own[source]).numpy().copy()
    if first is not None:
        transformed = tract(*first)
        for name, (source, turned) in matched.items():
            if transformed is not None and parameters[source] is first[0].weight:
                result[f"tract/{name}"] = turned(transformed).detach().numpy().copy()
    for name, buffer in model.named_buffers():
        if name in tensors and ("running_mean" in name or "running_var" in name):
            result[f"statistics/{name}"] = buffer.numpy().copy()
    losses = [loss.item()]
    for _ in range(STEPS - 1):
        with torch.no_grad():
            for p in parameters.values():
                if p.grad is not None:
                    p -= rate * p.grad
                    p.grad = None
        loss = torch.nn.functional.cross_entropy(model(x), y)
        loss.backward()
        losses.append(loss.item())
    result["losses"] = np.array(losses)
    return result, {name: gradient.numpy() for name, gradient in own.items()}, len(matched)


def match(own, tensors):
    """Which parameter each float tensor of the file is: by its name, or by its elements, turned or not."""
    found = {}
    for name, array in tensors.items():
        if array.dtype not in (np.float32, np.float16) or array.ndim == 0:
            continue
        candidates = [name] if name in own else own.keys()
        for source in candidates:
            value = own[source].float().numpy()
            shaped = functools.partial(torch.reshape, shape=array.shape)
            for turned in (lambda t: t, lambda t: t.T if t.dim() == 2 else t, shaped):
                try:
                    other = turned(torch.from_numpy(value)).numpy()
                except RuntimeError:
                    continue
                if other.shape == array.shape and np.allclose(other, array, rtol=1e-4, atol=1e-6):
                    found[name] = (source, turned)
                    break
            if name in found:
                break
    return found


if __name__ == "__main__":
    torch.set_num_threads(1)
    serve(("torch", "torchvision", "timm", "onnx"), MODELS, settled, export, run)
