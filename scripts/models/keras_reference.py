"""Exports models of Keras, and says what TensorFlow computes of them in float64: what reference.py is for PyTorch.

Exporters are tf2onnx, of a function that calls the model, and Keras's own `export`, for inference.

Usage: echo keras_own tf2onnx training | python keras_reference.py OUT_FOLDER
"""

import contextlib
import io
import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import keras
import numpy as np
import tensorflow as tf
import tf2onnx

from common import BATCH, CLASSES, STEPS, as_float32, images_of, serve, transformed

OPERATOR_SET = 18
NORM = keras.layers.BatchNormalization


def own(size):
    """Convolutions, separable and transposed ones, and two ways of pooling, with shapes that pad unequally."""
    layers = keras.layers
    x = images = keras.Input((size, size, 3))
    x = layers.ReLU()(NORM()(layers.Conv2D(8, 3, padding="same", use_bias=False)(x)))
    x = layers.MaxPooling2D(3, 2, padding="same")(x)
    x = layers.Activation("swish")(NORM()(layers.SeparableConv2D(12, 3, strides=2, padding="same")(x)))
    x = layers.Conv2DTranspose(8, 3, strides=2, padding="same", activation="elu")(x)
    x = layers.LayerNormalization()(layers.AveragePooling2D(2)(x))
    x = layers.Conv2D(16, 3, activation="softplus")(NORM()(x))
    return keras.Model(images, layers.Dense(CLASSES)(layers.Flatten()(x)))


def application(name, **options):
    make = getattr(keras.applications, name)
    settings = {"weights": None, "classes": CLASSES, "classifier_activation": None} | options
    return lambda size: make(input_shape=(size, size, 3), **settings)


MODELS = [
    ("keras_own", "Keras CNN", 32, own),
    ("keras_mobilenet_v2", "MobileNet", 64, application("MobileNetV2", alpha=0.35)),
    ("keras_resnet50_v2", "ResNetV2", 64, application("ResNet50V2")),
    ("keras_efficientnet_v2_b0", "EfficientNet", 64, application("EfficientNetV2B0", include_preprocessing=False)),
    # With its preprocessing: exporters leave the mean of its pixels to whoever runs the file, as one more input.
    ("keras_efficientnet_b0", "EfficientNet", 64, application("EfficientNetB0")),
    ("keras_densenet121", "DenseNet", 64, application("DenseNet121")),
]


def settled(make, size):
    """A model with weights that are all different, statistics that are those of some images, and no randomness; how
    to make one more, and with which weights.
    """
    keras.utils.set_random_seed(0)
    model = make(size)
    for layer in model.layers:
        if isinstance(layer, (keras.layers.Dropout, keras.layers.SpatialDropout2D)):
            layer.rate = 0.0
    random = np.random.RandomState(1)
    for weight in model.trainable_weights:
        if len(weight.shape) < 2:
            weight.assign_add(0.05 * random.standard_normal(weight.shape))
    momenta = {layer: layer.momentum for layer in model.layers if isinstance(layer, NORM)}
    for number in range(2):
        for layer in momenta:
            layer.momentum = number / (number + 1)
        model(random.standard_normal((BATCH, size, size, 3)).astype(np.float32), training=True)
    for layer, momentum in momenta.items():
        layer.momentum = momentum
    return model, make, model.get_weights()


def export(settled, path, exporter, training, size):
    model, *_ = settled
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        if exporter == "keras":
            model.export(path, format="onnx", opset_version=OPERATOR_SET, verbose=False)
            return
        signature = [tf.TensorSpec((None, size, size, 3), tf.float32, name="input")]
        function = tf.function(lambda x: model(x, training=training), input_signature=signature)
        tf2onnx.convert.from_function(function, signature, opset=OPERATOR_SET, output_path=path)


def forms(array):
    """What an array of Keras may be in a file."""
    yield lambda t: t
    if array.ndim == 2:
        yield lambda t: tf.transpose(t)
    if array.ndim == 4:
        yield lambda t: tf.transpose(t, (3, 2, 0, 1))
        # Of every channel for itself: [height, width, channels, multiplier].
        yield lambda t: tf.reshape(tf.transpose(t, (2, 3, 0, 1)), (-1, 1, *t.shape[:2]))
        yield lambda t: tf.reshape(tf.transpose(t, (0, 1, 3, 2)), (*t.shape[:2], 1, -1))


def match(own, tensors):
    """Which weight each float tensor of the file is, by its elements."""
    found = {}
    for name, array in tensors.items():
        if array.dtype != np.float32 or array.size < 2:
            continue
        for source, weight in own.items():
            if np.prod(weight.shape) != array.size:
                continue
            for form in forms(weight):
                other = form(tf.constant(weight)).numpy()
                # Shifts of channels come as [1, C, 1, 1] too.
                if other.size == array.size and other.squeeze().shape == array.squeeze().shape:
                    if np.allclose(other.reshape(array.shape), array, rtol=1e-4, atol=1e-6):
                        found[name] = (source, lambda t, form=form, shape=array.shape: tf.reshape(form(t), shape))
                        break
            if name in found:
                break
    return found


def fold(model, tensors):
    """Makes batch normalisation what the exporter made of it in inference: a scale, which may be in the kernel before it,
    and a shift. Where the file has the statistics, it is left.

    Gives the weights that are no more.
    """
    present = [array.reshape(-1) for array in tensors.values() if array.dtype == np.float32]

    def has(weight):
        value = np.asarray(weight).reshape(-1).astype(np.float32)
        return any(one.size == value.size and np.allclose(one, value, rtol=1e-4, atol=1e-6) for one in present)

    gone = []
    for layer in model.layers:
        if not isinstance(layer, NORM) or has(layer.moving_variance):
            continue
        scale = layer.gamma / tf.sqrt(layer.moving_variance + layer.epsilon)
        shift = layer.beta - layer.moving_mean * scale
        if has(scale):
            layer.gamma.assign(scale)
        else:
            before = layer.input._keras_history.operation
            kernel = before.pointwise_kernel if hasattr(before, "pointwise_kernel") else before.kernel
            depthwise = isinstance(before, keras.layers.DepthwiseConv2D)
            kernel.assign(kernel * (tf.reshape(scale, kernel.shape[2:]) if depthwise else scale))
            if before.use_bias:
                shift += before.bias * scale
                before.bias.assign(tf.zeros_like(before.bias))
                gone.append(id(before.bias))
            layer.gamma.assign(tf.ones_like(layer.gamma))
            gone.append(id(layer.gamma))
        layer.beta.assign(shift)
        layer.moving_mean.assign(tf.zeros_like(layer.moving_mean))
        layer.moving_variance.assign(tf.ones_like(layer.moving_variance) - layer.epsilon)
        # It uses these statistics in training, too.
        layer.trainable = False
    return gone


def run(settled, training, size, tensors, dtype, rate):
    """What TensorFlow computes of a file's tensors."""
    _, make, weights = settled
    images, labels = images_of(size)
    for one in (dtype, "float32"):
        keras.config.set_floatx(one)
        keras.config.set_dtype_policy(one)
        if one == dtype:
            model = make(size)
    model.set_weights(weights)
    for layer in model.layers:
        if isinstance(layer, (keras.layers.Dropout, keras.layers.SpatialDropout2D)):
            layer.rate = 0.0
        for name in ("epsilon", "momentum"):
            if isinstance(getattr(layer, name, None), float):
                setattr(layer, name, as_float32(getattr(layer, name)))
    # A file for training has no running statistics: it takes those of the batch always.
    gone = [] if training else fold(model, tensors)
    own = {one.path: one for one in model.weights if id(one) not in gone}
    matched = match({name: one.numpy() for name, one in own.items()}, tensors)
    for name, (source, turned) in matched.items():
        # Folded weights are rounded by whoever folds them; those of the file count.
        weight = own[source]
        places = turned(tf.reshape(tf.range(np.prod(weight.shape)), weight.shape)).numpy().reshape(-1)
        elements = np.empty(places.size, np.float32)
        elements[places] = tensors[name].reshape(-1)
        weight.assign(elements.reshape(weight.shape))
    statistics = {n: own[s] for n, (s, _) in matched.items() if "moving_" in s}
    parameters = {n: own[s] for n, (s, _) in matched.items() if "moving_" not in s}
    x = tf.constant((images.transpose(0, 2, 3, 1) / 255.0 - 0.5) / 0.25, dtype)
    y = tf.constant(labels)
    logits = model(x, training=training).numpy()

    def step():
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            for one in parameters.values():
                tape.watch(one.value)
            answers = model(x, training=True)
            loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(y, answers))
        return loss.numpy(), tape.gradient(loss, {name: one.value for name, one in parameters.items()})

    loss, gradients = step()
    result = {"images": images, "labels": labels, "logits": logits}
    for name, gradient in gradients.items():
        if gradient is not None:
            result[f"gradient/{name}"] = matched[name][1](gradient).numpy()
    for name, one in statistics.items():
        result[f"statistics/{name}"] = one.numpy()
    own = {name: gradient for name, gradient in result.items() if name.startswith("gradient/")}
    result.update(tract(model, x, parameters, gradients, matched))
    losses = [loss]
    for _ in range(STEPS - 1):
        for name, one in parameters.items():
            if gradients[name] is not None:
                one.assign_sub(rate * gradients[name])
        loss, gradients = step()
        losses.append(loss)
    result["losses"] = np.array(losses)
    return result, own, len(matched)


def tract(model, x, parameters, gradients, matched):
    """TrAct's gradient of the first convolution: the plain one by the inverse of its patches' second moments."""
    layer = next((one for one in model.layers if type(one) is keras.layers.Conv2D), None)
    name = next((n for n, one in parameters.items() if layer is not None and one is layer.kernel), None)
    if name is None or layer.groups != 1:
        return {}
    before = keras.Model(model.input, layer.input)(x, training=True)
    rows = tf.image.extract_patches(
        before,
        (1, *layer.kernel_size, 1),
        (1, *layer.strides, 1),
        (1, *layer.dilation_rate, 1),
        layer.padding.upper(),
    )
    rows = tf.reshape(rows, (-1, rows.shape[-1])).numpy()
    gradient = gradients[name].numpy()
    found = transformed(rows, gradient.reshape(rows.shape[1], -1)).reshape(gradient.shape)
    return {f"tract/{name}": matched[name][1](tf.constant(found)).numpy()}


if __name__ == "__main__":
    tf.config.threading.set_intra_op_parallelism_threads(1)
    serve(("tensorflow-cpu", "keras", "tf2onnx", "onnx"), MODELS, settled, export, run)
