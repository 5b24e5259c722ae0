"""The controls of the lesson on benchmarks."""

from __future__ import annotations

from studio.lessons.kit.lesson import Choice, Knob, Push, Slide, Upload, Write

SETS = ("iris", "wine", "breast-cancer", "digits", "mnist", "cifar10", "own")
NETWORKS = ("convolutional", "perceptron", "linear")


KNOBS: tuple[Knob, ...] = (
    Push("play", "Train", "epoch after epoch", key="space", main=True),
    Push("step", "One epoch", "every example once", key="s"),
    Push("another", "Ask another", "another example from the test set", key="a"),
    Push("reset", "Reset", "new starting weights, another split", key="r"),
    Choice("data", "Set", SETS, "digits", group="Set"),
    Slide(
        "held_out",
        "Percent for the test set",
        10,
        50,
        5,
        25,
        "MNIST and CIFAR-10 come with their own.",
        group="Set",
    ),
    Slide(
        "most",
        "Training examples, at most",
        100,
        60000,
        100,
        10000,
        stops=(100, 200, 500, 1000, 2000, 5000, 10000, 20000, 60000),
        group="Set",
    ),
    Push("fetch", "Download the set", "MNIST (12 MB) or CIFAR-10 (170 MB), once", group="Set"),
    Choice("network", "Network", NETWORKS, "convolutional", group="Network"),
    Write("channels", "Channels of its layers", "16, 32", group="Network"),
    Write("hidden", "Neurons of a perceptron", "64", "Used for tables.", group="Network"),
    Slide("dropout", "Dropout", 0, 0.8, 0.1, 0, group="Network"),
    Slide("epochs", "Epochs", 1, 100, 1, 12, group="Learning"),
    Slide(
        "rate",
        "Learning rate",
        0.0001,
        1,
        0.0001,
        0.003,
        stops=(0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0),
        group="Learning",
    ),
    Slide("batch", "Batch size", 8, 256, 8, 16, stops=(8, 16, 32, 64, 128, 256), group="Learning"),
    Choice("optimiser", "Optimiser", ("adam", "sgd", "rmsprop"), "adam", group="Learning"),
    Slide("seed", "Seed", 0, 99, 1, 1, group="Learning"),
    Upload(
        "own",
        "A table or pictures",
        ".csv,.tsv,.txt,.zip",
        "CSV with the class in the last column, or a zip with a folder for each class.",
        group="Your own",
    ),
    Upload("show", "A picture to classify", "image/*", group="Your own"),
    Push("save", "Save the network", "its weights and its card, as a zip", group="Your own"),
)
