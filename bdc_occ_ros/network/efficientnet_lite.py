# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Define EfficientNet-Lite0 up to stride 16 (Tan and Le, arXiv:1905.11946; Lite by its authors).

Batch normalization is folded into the convolutions, whose weights come from ImageNet: what they
know is held, or moves slowly, and statistics of few pictures do not change it.
"""

from torch import nn, Tensor

STEM_CHANNELS = 32
# Kernel size, stride, factor of expansion, channels, and how many blocks in a row.
STAGES = ((3, 1, 1, 16, 1), (3, 2, 6, 24, 2), (5, 2, 6, 40, 2), (3, 2, 6, 80, 3),
          (5, 1, 6, 112, 3))
FINE_STAGE = 3  # of the stages, the first that leaves stride 8
FINE_CHANNELS, COARSE_CHANNELS = STAGES[FINE_STAGE - 1][3], STAGES[-1][3]


def _convolution(in_channels: int, out_channels: int, kernel_size: int = 1, stride: int = 1,
                 groups: int = 1) -> list[nn.Module]:
    """Return a convolution with a bias, padded as TensorFlow does: at stride 2 less in front."""
    margin = kernel_size - stride
    if stride == 1:
        return [nn.Conv2d(in_channels, out_channels, kernel_size, padding=margin // 2,
                          groups=groups)]
    before, after = margin // 2, margin - margin // 2
    return [nn.ZeroPad2d((before, after, before, after)),
            nn.Conv2d(in_channels, out_channels, kernel_size, stride, groups=groups)]


class InvertedResidual(nn.Module):
    """Expand channels, convolve each alone, project them, with a shortcut where shapes agree."""

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int, stride: int,
                 factor: int) -> None:
        super().__init__()
        middle = factor * in_channels
        layers: list[nn.Module] = []
        if factor > 1:
            layers += [*_convolution(in_channels, middle), nn.ReLU6(inplace=True)]
        layers += [*_convolution(middle, middle, kernel_size, stride, middle),
                   nn.ReLU6(inplace=True), *_convolution(middle, out_channels)]
        self.layers = nn.Sequential(*layers)
        self.has_shortcut = stride == 1 and in_channels == out_channels

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, Ci, H, W) to (B, Co, H / stride, W / stride)."""
        return x + self.layers(x) if self.has_shortcut else self.layers(x)


class EfficientNetLite(nn.Module):
    """Compute features of pictures, (x - 127) / 128 each, at strides 8 and 16."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(*_convolution(3, STEM_CHANNELS, 3, 2), nn.ReLU6(inplace=True))
        stages, channels = [], STEM_CHANNELS
        for kernel_size, stride, factor, out_channels, count in STAGES:
            blocks = []
            for place in range(count):
                blocks.append(InvertedResidual(channels, out_channels, kernel_size,
                                               1 if place else stride, factor))
                channels = out_channels
            stages.append(nn.Sequential(*blocks))
        self.fine, self.coarse = nn.Sequential(*stages[:FINE_STAGE]), nn.Sequential(
            *stages[FINE_STAGE:])

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """
        Compute features.

        :param images: (B, 3, H, W) with sizes that are multiples of 16.
        :return: (B, 40, H/8, W/8) and (B, 112, H/16, W/16).
        """
        fine = self.fine(self.stem(images))
        return fine, self.coarse(fine)
