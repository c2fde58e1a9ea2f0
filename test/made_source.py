# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Samples out of thin air for a tiny network: the colour of the images tells what surrounds it."""

from collections.abc import Sequence

import numpy as np
import torch

from bdc_occ_ros.dataset.batch import TrainingBatch, TrueBoxes
from bdc_occ_ros.network.config import NetworkConfig

FORWARD = np.array(((0.0, 0.0, 1.0), (-1.0, 0.0, 0.0), (0.0, -1.0, 0.0)))


class MadeSource:
    """
    Two cameras, ahead and astern; brighter images mean voxels of a higher class.

    :param config: A small network.
    :param length: How many samples there are.
    """

    def __init__(self, config: NetworkConfig, length: int) -> None:
        self.config, self.length = config, length

    def __len__(self) -> int:
        return self.length

    def load(self, numbers: Sequence[int], device: torch.device) -> TrainingBatch:
        parts = [self._sample(number) for number in numbers]
        tensors = [torch.stack([part[index] for part in parts]) for index in range(6)]
        images, matrices, poses, semantics, observed, depths = tensors
        return TrainingBatch(images, matrices, poses, semantics, observed,
                             [part[6] for part in parts], depths).to(device)

    def scene_of(self, number: int) -> str:
        return str(number // 2)

    def _sample(self, number: int) -> tuple:
        rng = np.random.default_rng(number)
        image, grid = self.config.image, self.config.voxel_grid()
        label = number % 3
        images = torch.from_numpy(rng.integers(
            70 * label, 70 * label + 40, (2, image.height_px, image.width_px, 3), dtype=np.uint8))
        matrix = np.array(((image.width_px / 2, 0, image.width_px / 2),
                           (0, image.width_px / 2, image.height_px / 2), (0, 0, 1)))
        poses = np.tile(np.eye(4), (2, 1, 1))
        poses[0, :3, :3], poses[1, :3, :3] = FORWARD, np.diag((-1.0, -1.0, 1.0)) @ FORWARD
        poses[:, 2, 3] = 1.0
        semantics = torch.full(grid.shape, 17, dtype=torch.uint8)
        semantics[:, :, 0] = label
        observed = torch.from_numpy(rng.random(grid.shape) < 0.2)
        box = [rng.uniform(-9, 9), rng.uniform(-9, 9), 0.5, 4.0, 2.0, 1.5, rng.uniform(-3, 3),
               1.0, float('nan') if number % 2 else 0.5]
        boxes = TrueBoxes(torch.tensor([box], dtype=torch.float32), torch.tensor([label]))
        depths = torch.from_numpy(rng.uniform(0, 20, (2, *self.config.feature_shape)))
        return (images, torch.from_numpy(np.tile(matrix, (2, 1, 1))), torch.from_numpy(poses),
                semantics, observed, depths.float(), boxes)
