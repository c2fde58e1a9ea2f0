# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Define ResNet-50 up to its last two stages (He et al., arXiv:1512.03385), stride on the 3x3."""

from torch import nn, Tensor

STAGE_WIDTHS = (64, 128, 256, 512)
STAGE_DEPTHS = (3, 4, 6, 3)
EXPANSION = 4


class Bottleneck(nn.Module):
    """
    Apply 1x1, 3x3 and 1x1 convolutions with a shortcut.

    :param width: Channels inside; the output has four times as many.
    :param stride: Step of the 3x3 convolution.
    """

    def __init__(self, in_channels: int, width: int, stride: int) -> None:
        super().__init__()
        out_channels = EXPANSION * width
        self.conv1 = nn.Conv2d(in_channels, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, out_channels, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(out_channels)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = None
        if in_channels != out_channels:
            self.downsample = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, 1, stride, bias=False),
                nn.BatchNorm2d(out_channels))

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, H, W) to (B, 4 width, H / stride, W / stride)."""
        shortcut = x if self.downsample is None else self.downsample(x)
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.relu(self.bn2(self.conv2(x)))
        return self.relu(self.bn3(self.conv3(x)) + shortcut)


class Resnet50(nn.Module):
    """Compute ResNet-50 without its classifier; parameter names are torchvision's."""

    out_channels = (EXPANSION * STAGE_WIDTHS[2], EXPANSION * STAGE_WIDTHS[3])

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, 2, padding=1)
        channels = 64
        for index, (width, depth) in enumerate(zip(STAGE_WIDTHS, STAGE_DEPTHS)):
            later = [Bottleneck(EXPANSION * width, width, 1) for _ in range(depth - 1)]
            first = Bottleneck(channels, width, stride=1 if index == 0 else 2)
            self.add_module(f'layer{index + 1}', nn.Sequential(first, *later))
            channels = EXPANSION * width

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """
        Compute features at strides 16 and 32.

        :param images: (B, 3, H, W) with sizes that are multiples of 32.
        :return: (B, 1024, H/16, W/16) and (B, 2048, H/32, W/32).
        """
        x = self.maxpool(self.relu(self.bn1(self.conv1(images))))
        fine = self.layer3(self.layer2(self.layer1(x)))
        return fine, self.layer4(fine)
