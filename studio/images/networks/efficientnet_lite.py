"""EfficientNet-Lite0, the network that needs no download, written out so that it loads quickly.

Tan and Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", 2019; the Lite variant
omits the squeeze-and-excitation gates and uses ReLU6. Modules have the names and the order of those in timm's
`tf_efficientnet_lite0`.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

EPSILON = 1e-3
STAGES = (
    # blocks, kernel, stride of the first block, expansion, channels
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)


class EfficientNetLite0(nn.Module):
    """ImageNet classifier, 4.7 million parameters. Input [n, 3, h, w] in -1..1, h and w at least 32; output
    [n, 1000] logits.
    """

    def __init__(self, classes: int = 1000) -> None:
        super().__init__()
        self.conv_stem = SameConv2d(3, 32, 3, stride=2)
        self.bn1 = nn.BatchNorm2d(32, eps=EPSILON)
        widths = [32, *(channels for *_, channels in STAGES)]
        self.blocks = nn.Sequential(*map(_stage, widths[:-1], STAGES))
        self.conv_head = nn.Conv2d(widths[-1], 1280, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(1280, eps=EPSILON)
        self.classifier = Classifier(1280, classes)

    def forward(self, pictures: Tensor) -> Tensor:
        seen = F.relu6(self.bn1(self.conv_stem(pictures)))
        seen = self.blocks(seen)
        seen = F.relu6(self.bn2(self.conv_head(seen)))
        logits: Tensor = self.classifier(seen)
        return logits


class Classifier(nn.Linear):
    """The last layer: features [n, channels, h, w] -> the classes' logits, [n, classes], from the mean over
    all places; with `every_place`, [n, classes, h, w], those of every place by itself, whose mean they are
    (Zhou et al., "Learning Deep Features for Discriminative Localization", 2016).
    """

    every_place = False

    def forward(self, seen: Tensor) -> Tensor:
        if self.every_place:
            return super().forward(seen.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        return super().forward(seen.mean(dim=(2, 3)))


def _stage(entering: int, stage: tuple[int, int, int, int, int]) -> nn.Sequential:
    """A row of STAGES as blocks, of which the first takes `entering` channels and has the stride."""
    blocks, kernel, stride, expansion, leaving = stage

    def block(entering: int, stride: int) -> nn.Module:
        if expansion == 1:
            return Separable(entering, leaving, kernel, stride)
        return InvertedResidual(entering, leaving, kernel, stride, expansion)

    return nn.Sequential(block(entering, stride), *(block(leaving, 1) for _ in range(blocks - 1)))


class InvertedResidual(nn.Module):
    """Expand, convolve each channel by itself, project back; add the input if the shapes match (Sandler et
    al., 2018).
    """

    def __init__(self, entering: int, leaving: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        wide = entering * expansion
        self.conv_pw = nn.Conv2d(entering, wide, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(wide, eps=EPSILON)
        self.conv_dw = SameConv2d(wide, wide, kernel, stride=stride, groups=wide)
        self.bn2 = nn.BatchNorm2d(wide, eps=EPSILON)
        self.conv_pwl = nn.Conv2d(wide, leaving, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(leaving, eps=EPSILON)
        self.is_residual = stride == 1 and entering == leaving

    def forward(self, seen: Tensor) -> Tensor:
        new = F.relu6(self.bn1(self.conv_pw(seen)))
        new = F.relu6(self.bn2(self.conv_dw(new)))
        new = self.bn3(self.conv_pwl(new))
        result: Tensor = new + seen if self.is_residual else new
        return result


class Separable(nn.Module):
    """The first block: the same without the expansion."""

    def __init__(self, entering: int, leaving: int, kernel: int, stride: int) -> None:
        super().__init__()
        self.conv_dw = SameConv2d(entering, entering, kernel, stride=stride, groups=entering)
        self.bn1 = nn.BatchNorm2d(entering, eps=EPSILON)
        self.conv_pw = nn.Conv2d(entering, leaving, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(leaving, eps=EPSILON)

    def forward(self, seen: Tensor) -> Tensor:
        new: Tensor = self.bn2(self.conv_pw(F.relu6(self.bn1(self.conv_dw(seen)))))
        return new


class SameConv2d(nn.Conv2d):
    """A convolution with TensorFlow's SAME padding: the output has ceil(size / stride) places, and an odd
    padding goes to the bottom and right.
    """

    def __init__(self, entering: int, leaving: int, kernel: int, *, stride: int, groups: int = 1) -> None:
        super().__init__(
            entering,
            leaving,
            kernel,
            stride,
            padding=kernel // 2 if stride == 1 else 0,
            groups=groups,
            bias=False,
        )

    def forward(self, seen: Tensor) -> Tensor:
        if self.stride[0] > 1:
            rows, columns = (self._pad(size, axis) for axis, size in enumerate(seen.shape[-2:]))
            seen = F.pad(seen, (columns // 2, columns - columns // 2, rows // 2, rows - rows // 2))
        padded: Tensor = super().forward(seen)
        return padded

    def _pad(self, size: int, axis: int) -> int:
        stride, kernel = self.stride[axis], self.kernel_size[axis]
        return max((-(-size // stride) - 1) * stride + kernel - size, 0)
