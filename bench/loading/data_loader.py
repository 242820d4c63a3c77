"""Pictures read by torchvision's ImageFolder and PyTorch's DataLoader, with what is usual for ImageNet.

`python3 data_loader.py '{"folder": …, "size": 224, "batchSize": 32, "workers": 1}'` speaks the bench's protocol
(src/bench/protocol.ts): a step is an epoch.
"""
import json
import resource
import sys
import time

import PIL
import torch
import torchvision
from torch.utils.data import DataLoader
from torchvision import transforms
from torchvision.datasets import ImageFolder


def write(value):
    print(json.dumps(value), flush=True)


def main():
    request = json.loads(sys.argv[1])
    torch.manual_seed(0)
    transform = transforms.Compose(
        [
            transforms.RandomResizedCrop(request["size"]),
            transforms.RandomHorizontalFlip(),
            transforms.ToTensor(),
            transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
        ]
    )
    loader = DataLoader(
        ImageFolder(request["folder"], transform),
        batch_size=request["batchSize"],
        shuffle=True,
        drop_last=True,
        num_workers=request["workers"],
        persistent_workers=True,
    )

    epochs = 0

    def epoch():
        nonlocal epochs
        epochs += 1
        started = time.perf_counter()
        for images, labels in loader:
            pass
        return (time.perf_counter() - started) * 1000

    write(
        {
            "firstStepMilliseconds": epoch(),
            "conditions": f"PyTorch {torch.__version__}, torchvision {torchvision.__version__}, "
            f"Pillow {PIL.__version__}",
        }
    )
    own = time.process_time()
    for line in sys.stdin:
        turn = json.loads(line)
        for _ in range(turn["warmUp"]):
            epoch()
        write({"milliseconds": [epoch() for _ in range(turn["steps"])]})
    own = time.process_time() - own
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # The times of workers are known when they have ended; the first epoch is not part of the turns.
    loader._iterator = None
    workers = resource.getrusage(resource.RUSAGE_CHILDREN)
    share = (epochs - 1) / epochs
    write(
        {
            "peakBytes": peak if sys.platform == "darwin" else peak * 1024,
            "processorMilliseconds": 1000 * (own + share * (workers.ru_utime + workers.ru_stime)),
        }
    )


main()
