"""What the references of PyTorch and Keras have in common."""

import json
import re

import numpy as np

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


def trains(losses):
    """Whether losses stay where they are compared: one that explodes amplifies rounding without end."""
    return bool(np.all(losses < 1.5 * losses[0] + 0.5))


def tell(name, family, exporter, mode, error, matched=0):
    """A line of JSON on a file that is complete, or on why it is not."""
    line = {"name": name, "family": family, "exporter": exporter, "mode": mode, "matched": matched}
    if error is not None:
        # Without the colours of a terminal.
        text = re.sub(r"\x1b\[\d+m", "", str(error)).strip()
        line["error"] = f"{type(error).__name__}: {text.splitlines()[0][:200] if text else ''}"
    print(json.dumps(line), flush=True)
