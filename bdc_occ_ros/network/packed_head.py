# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Run the occupancy heads in inference: scores of a few rows at a time, which stay in the cache.

Scores are as large as 46 MB for one frame; a label is a byte. So rows are scored in bands and
each band is turned into labels before the next is scored.
"""

from collections.abc import Callable

import torch
from torch import nn, Tensor

from bdc_occ_ros.binary.engine_module import EngineModule
from bdc_occ_ros.kernels.operations import Buffer, Labels, Map
from bdc_occ_ros.network.bev_to_occupancy import (
    confidence_of,
    NanoOccupancyHead,
    OccupancyHead,
    VoxelLabels,
)

CELLS_AT_ONCE = 4000


class PackedOccupancyHead(EngineModule):
    """
    Compute labels or scores of all voxels.

    :param final_conv: Applied to the whole map first.
    :param predicter: Applied to bands, (..., C) to (..., f f Z K), where a cell of the map is
        f by f cells of the grid, row first.
    """

    def __init__(self, final_conv: nn.Module, predicter: nn.Sequential, factor: int,
                 heights_and_classes: tuple[int, int]) -> None:
        super().__init__()
        self.final_conv = final_conv
        self.predicter = predicter
        self.factor = factor
        self.heights_and_classes = heights_and_classes

    @classmethod
    def of_published(cls, head: OccupancyHead) -> 'PackedOccupancyHead':
        """Take the layers of the published head, whose units are packed."""
        return cls(head.final_conv, head.predicter, 1, head.heights_and_classes)

    @classmethod
    def of_nano(cls, head: NanoOccupancyHead) -> 'PackedOccupancyHead':
        """
        Take the layers of the nano head, whose normalization is folded.

        Depth to space becomes an order of channels.
        """
        convolution = head.expand.conv
        cells = 4
        expand = nn.Linear(convolution.in_channels, convolution.out_channels,
                           device=convolution.weight.device)
        for parameter, source in ((expand.weight, convolution.weight.flatten(1)),
                                  (expand.bias, convolution.bias)):
            by_cell = source.detach().unflatten(0, (-1, cells)).transpose(0, 1)
            parameter.data = by_cell.flatten(0, 1).contiguous()
        scores = nn.Linear(head.predicter.in_channels, head.predicter.out_channels,
                           device=convolution.weight.device)
        scores.weight.data = head.predicter.weight.detach().flatten(1)
        scores.bias.data = head.predicter.bias.detach()
        return cls(nn.Identity(), nn.Sequential(
            expand, nn.ReLU(inplace=True), nn.Unflatten(-1, (cells, -1)), scores,
            nn.Flatten(-2)), 2, head.heights_and_classes)

    @torch.no_grad()
    def forward(self, bev: Tensor, with_confidence: bool | None = None) -> Tensor | VoxelLabels:
        """Score every voxel of (B, C, Y / f, X / f), as `OccupancyHead` does."""
        cells = self.final_conv(bev).permute(0, 2, 3, 1)
        if with_confidence is None:
            return self._turned(self.predicter(cells).unflatten(
                -1, (self.factor, self.factor, *self.heights_and_classes)))
        heights, classes = self.heights_and_classes
        bands, labels = self._bands(cells)
        confidence = None
        if with_confidence:
            confidence = torch.empty(labels.shape, device=labels.device)
        for rows, band, run in bands:
            band.tensor = self.predicter(cells.flatten(0, 1)[rows])[None]
            run()
            if with_confidence:
                confidence[rows] = confidence_of(band.tensor[0].unflatten(-1, (-1, classes)))
            band.tensor = None  # the next band may lie where this one did, still in the cache
        shape = (*cells.shape[:3], self.factor, self.factor, heights)
        return VoxelLabels(*(None if values is None else self._turned(values.view(shape))
                             for values in (labels, confidence)))

    def _turned(self, values: Tensor) -> Tensor:
        """Turn (B, Y / f, X / f, f, f, ...) into (B, X, Y, ...), new memory."""
        others = range(5, values.ndim)
        turned = values.permute(0, 2, 4, 1, 3, *others)
        return turned.clone(memory_format=torch.contiguous_format).flatten(3, 4).flatten(1, 2)

    def _bands(self, cells: Tensor) -> tuple[list[tuple[slice, Buffer, Callable[[], None]]],
                                             Tensor]:
        """Return bands of rows with the buffer and the call that label each, and all labels."""
        key = cells.shape
        if key not in self._compiled:
            self._compiled.clear()
            with torch.inference_mode(False), cells.device:
                self._compiled[key] = self._compiled_bands(cells)
        return self._compiled[key]

    def _compiled_bands(self, cells: Tensor) -> tuple[
            list[tuple[slice, Buffer, Callable[[], None]]], Tensor]:
        """Prepare one call per band."""
        heights, classes = self.heights_and_classes
        groups = heights * self.factor ** 2
        rows, columns = cells.shape[0] * cells.shape[1], cells.shape[2]
        labels = torch.zeros((rows, columns, groups), dtype=torch.uint8)
        size = max(CELLS_AT_ONCE // (columns * self.factor ** 2), 1)
        bands = []
        for start in range(0, rows, size):
            band = slice(start, min(start + size, rows))
            part = labels[band][None]
            buffer = Buffer((*part.shape[:3], groups * classes))
            run = self.backend.compile([Labels(Map(buffer), classes, part)])
            bands.append((band, buffer, run))
        return bands, labels
