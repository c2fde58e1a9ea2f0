# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Define batches of samples and their sources, and choose samples that are evenly spread."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from bdc_occ_ros.errors import UsageError


class TrueBoxes(NamedTuple):
    """
    Hold the objects of one sample in the ego frame of its labels.

    :param boxes: Centre x y z, length, width, height, yaw, velocity x y; (n, 9) float32, metres,
        radians, metres per second; velocities nan where unknown.
    :param labels: Index into the detection classes, (n,) int64.
    """

    boxes: Tensor
    labels: Tensor


@dataclass(frozen=True, eq=False)
class TrainingBatch:
    """
    Hold samples at the size of the network's input, on one device.

    Letters: B samples, N cameras, H W input size, h w feature rows and columns.

    :param images: RGB, (B, N, H, W, 3) uint8.
    :param input_from_camera: From directions in the camera's frame (x right, y down, z ahead) to
        pixels of the network input, (B, N, 3, 3) float64; crop and scale are in it.
    :param key_ego_from_camera: Mount of every camera and motion since its exposure, in one:
        pose in the ego frame of the labels, be it that of the key camera's exposure or of a
        LiDAR sweep, (B, N, 4, 4) float64, metres.
    :param semantics: Class per voxel, (B, X, Y, Z) uint8.
    :param observed: Voxels that a camera observes, (B, X, Y, Z) bool; only they are learned.
    :param boxes: Objects, one entry per sample.
    :param depths_m: Distance along the optical axis of the nearest surface in every feature cell,
        (B, N, h, w) float32; 0 where nothing is known; None where no sample has it.
    """

    images: Tensor
    input_from_camera: Tensor
    key_ego_from_camera: Tensor
    semantics: Tensor
    observed: Tensor
    boxes: Sequence[TrueBoxes]
    depths_m: Tensor | None

    def __len__(self) -> int:
        return len(self.images)

    def part(self, start: int, stop: int) -> 'TrainingBatch':
        """Return some of the samples; stop is one past the last."""
        parts = (getattr(self, field.name) for field in fields(self))
        return TrainingBatch(*(None if part is None else part[start:stop] for part in parts))

    def to(self, device: torch.device | str) -> 'TrainingBatch':
        """Return the batch on a device."""
        tensors = {field.name: value.to(device) for field in fields(self)
                   if isinstance(value := getattr(self, field.name), Tensor)}
        boxes = [TrueBoxes(*(part.to(device) for part in boxes)) for boxes in self.boxes]
        return replace(self, boxes=boxes, **tensors)


class TrainingSource(Protocol):
    """
    Provide samples by number; a number gives the same sample in every process and run.

    That is what lets a run stop anywhere and go on as if it had not, and lets processes share the
    work: which sample comes when is decided by the training alone.
    """

    def __len__(self) -> int:
        """Return how many different samples there are; numbers run from 0 to here."""

    def load(self, numbers: Sequence[int], device: torch.device) -> TrainingBatch:
        """Return some samples as one batch; numbers are below the length."""

    def scene_of(self, number: int) -> str:
        """Return the scene of a sample; samples of one scene are alike."""


def evenly_spread(count: int | None, length: int) -> Sequence[int]:
    """
    Return numbers of samples that are evenly spread.

    :param count: How many at most; None for all.
    :param length: How many there are.
    :raises UsageError: if none are wanted.
    """
    if count is not None and count < 1:
        raise UsageError(f'at least one sample is needed; got {count}')
    wanted = length if count is None else min(count, length)
    return [index * length // wanted for index in range(wanted)]
