# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Whose predictions are scored: something that answers for samples, a network for example."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Protocol

from bdc_occ_ros.dataset.nuscenes_dataset import NuscenesDataset, SampleKey
from bdc_occ_ros.dataset.scene_records import LIDAR
from bdc_occ_ros.geometry.voxel_grid import VoxelGrid
from bdc_occ_ros.predictor import Prediction, Predictor


class Subject(Protocol):
    """Something that predicts samples, in the ego frame of the LiDAR sweep: the label's."""

    class_names: tuple[str, ...]
    free_label: int
    grid: VoxelGrid
    keys: Sequence[SampleKey]  # the samples to ask for
    about: dict[str, Any]

    def __call__(self, key: SampleKey) -> Prediction | None:
        """Return the prediction of a sample, or None where there is none."""


class NetworkSubject:
    """
    A network that looks at the images of every sample.

    It is asked for the ego frame of the sweep: at 10 m/s the vehicle drives half a metre, more
    than a voxel, from the key camera's exposure to it.

    :param dataset: Where the images are.
    :param name: What it is called in the report.
    """

    def __init__(self, predictor: Predictor, dataset: NuscenesDataset, name: str) -> None:
        self._predictor, self._dataset = predictor, dataset
        self.network = predictor.network
        head = predictor.config.occupancy
        self.class_names = ('free',) if head is None else head.class_names
        self.free_label = 0 if head is None else head.free_label
        self.grid = VoxelGrid() if head is None else predictor.config.voxel_grid()
        self.keys = dataset.keys
        self.about = {'model': name, 'is_trained': predictor.is_trained,
                      'weights_sha256': predictor.weights_sha256}

    def __call__(self, key: SampleKey) -> Prediction:
        """Compute the prediction of a sample."""
        return self._predictor(replace(
            self._dataset.frame(key),
            fixed_from_output=self._dataset.world_from_ego(key, LIDAR)))
