# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Provide predictions for samples: from a network, or from what the node published."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from bdc_occ_ros.bags.recording import load_recording
from bdc_occ_ros.classes import FREE_LABEL, OCCUPANCY_CLASS_NAMES
from bdc_occ_ros.dataset.nuscenes_dataset import NuscenesDataset, SampleKey
from bdc_occ_ros.dataset.taxonomy import LIDAR
from bdc_occ_ros.errors import InvalidBagError
from bdc_occ_ros.geometry.voxel_grid import VoxelGrid
from bdc_occ_ros.predictor import Prediction, Predictor

SAME_EXPOSURE_NS = 1_000_000  # converters round stamps; exposures are 50 ms apart or more


class PredictionSource(Protocol):
    """Define what predicts samples, in the ego frame of the LiDAR sweep: the label's."""

    class_names: tuple[str, ...]
    free_label: int
    grid: VoxelGrid
    keys: Sequence[SampleKey]  # the samples to ask for
    about: dict[str, Any]

    def __call__(self, key: SampleKey) -> Prediction | None:
        """Return the prediction of a sample, or None where there is none."""


class NetworkSource:
    """
    Predict samples by a network on their images.

    It is asked for the ego frame of the sweep: at 10 m/s the vehicle drives half a metre, more
    than a voxel, from the key camera's exposure to it.
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


class RecordingSource:
    """
    Match what the node published to samples by the stamp of the key camera's exposure.

    The node publishes in the ego frame of that exposure, and the label lies in that of the LiDAR
    sweep: boxes are moved into the latter, and voxels by nearest neighbour. Voxels that a recorded
    cloud leaves out, or that come from beyond its grid, count as free. Boxes have velocities where
    their markers were recorded too.

    :param path: Bag with topics occupancy or detections of the node, in the ego frame.
    :raises InvalidBagError: if the bag cannot be read or fits no sample.
    """

    def __init__(self, path: str | Path, dataset: NuscenesDataset) -> None:
        self.class_names, self.free_label = OCCUPANCY_CLASS_NAMES, FREE_LABEL
        self.grid = VoxelGrid()
        self._dataset, self._recording = dataset, load_recording(path)
        stamps = sorted(self._recording.occupancies.keys() | self._recording.boxes.keys())
        nearest = {key: self._nearest(stamps, key) for key in dataset.keys}
        self._stamps_ns = {key: stamp for key, stamp in nearest.items() if stamp is not None}
        scenes = {key.scene_name for key in self._stamps_ns}
        if not scenes:
            first_ns, _ = dataset.key_exposure(dataset.keys[0])
            raise InvalidBagError(
                f'{path} has results at {len(stamps)} times'
                + (f' from {stamps[0]} ns on' if stamps else '') + f', none of them that of a '
                f'sample of {dataset.split}, whose first is {first_ns} ns. Recorded must be topic '
                'occupancy or detections, of the same data set, with the stamps of its images')
        self.keys = tuple(key for key in dataset.keys if key.scene_name in scenes)
        self.about = {'bag': str(path), 'scenes': sorted(scenes),
                      'results_without_sample': len(stamps) - len({*self._stamps_ns.values()}),
                      'has_velocities': self._recording.has_velocities}

    def __call__(self, key: SampleKey) -> Prediction | None:
        """
        Return what was recorded for a sample, in the ego frame of the label.

        :raises InvalidDatasetError: if the sample has no LiDAR sweep.
        """
        if key not in self._stamps_ns:
            return None
        stamp_ns = self._stamps_ns[key]
        key_ego_from_label_ego = self._dataset.key_ego_from_label_ego(key)
        occupancy = self._recording.occupancies.get(stamp_ns)
        boxes = self._recording.boxes.get(stamp_ns)
        return Prediction(
            None if occupancy is None else occupancy.resampled(key_ego_from_label_ego),
            None if boxes is None else boxes.seen_from(np.linalg.inv(key_ego_from_label_ego)))

    def _nearest(self, stamps: list[int], key: SampleKey) -> int | None:
        """Return the recorded stamp that is that of a sample."""
        wanted_ns, _ = self._dataset.key_exposure(key)
        place = bisect_left(stamps, wanted_ns - SAME_EXPOSURE_NS)
        if place == len(stamps) or stamps[place] > wanted_ns + SAME_EXPOSURE_NS:
            return None
        return stamps[place]
