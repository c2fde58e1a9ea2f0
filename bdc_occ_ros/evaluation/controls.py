# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Predict the samples of a score from the voxel prior, or from images of another scene.

A network that scores little more than the most frequent class of every voxel has learned where
things usually are, and not to see.
"""

from collections.abc import Iterable, Sequence

import numpy as np
import torch

from bdc_occ_ros.classes import FREE_LABEL, OCCUPANCY_CLASS_NAMES
from bdc_occ_ros.dataset.nuscenes_dataset import NuscenesDataset, SampleKey
from bdc_occ_ros.dataset.occ3d_label import Occ3dLabel
from bdc_occ_ros.datatypes import Occupancy
from bdc_occ_ros.errors import UsageError
from bdc_occ_ros.evaluation.prediction_sources import PredictionSource
from bdc_occ_ros.geometry.voxel_grid import VoxelGrid
from bdc_occ_ros.predictor import Prediction
from bdc_occ_ros.world.keyframes import KeyframeBatch
from bdc_occ_ros.world.scene import Scene
from bdc_occ_ros.world.sensor_timing import published_rigs, SensorTiming

MIDDLE_S = 10.0  # of a made-up drive


class PriorSource:
    """
    Predict every sample by the voxel prior.

    :param learned_from: Split whose labels it is made of.
    :param dataset: Split whose samples are asked for.
    :raises UsageError: if they share a scene.
    :raises InvalidLabelError: if a label of the former is missing or damaged.
    """

    def __init__(self, learned_from: NuscenesDataset, dataset: NuscenesDataset,
                 keys: Sequence[SampleKey]) -> None:
        scenes = {key.scene_name for key in keys}
        if shared := sorted(scenes & {key.scene_name for key in learned_from.keys}):
            raise UsageError(f'voxel prior of {learned_from.split}: {len(shared)} of its scenes '
                             f'are scored too, {", ".join(shared[:3])} among them; take a split '
                             'without them')
        self._labels = voxel_prior(map(learned_from.label, learned_from.keys))
        self._dataset = dataset
        self.class_names, self.free_label = OCCUPANCY_CLASS_NAMES, FREE_LABEL
        self.grid, self.keys = VoxelGrid(), keys
        self.about = {'model': f'voxel prior of {learned_from.split}'}

    def __call__(self, key: SampleKey) -> Prediction:
        """Return the prior."""
        stamp_ns, _ = self._dataset.key_exposure(key)
        return Prediction(Occupancy(self.grid, self._labels, np.ones(self.grid.shape, bool),
                                    self.class_names, self.free_label, stamp_ns), None)


def voxel_prior(labels: Iterable[Occ3dLabel]) -> np.ndarray:
    """
    Return the most frequent class of every voxel.

    :return: (200, 200, 16) uint8; free where no label observes the voxel, and the lower class
        where two are equally frequent.
    """
    shape = VoxelGrid().shape
    counts = np.zeros((int(np.prod(shape)), len(OCCUPANCY_CLASS_NAMES)), np.int32)
    for label in labels:
        voxels = np.flatnonzero(label.mask_camera)
        counts[voxels, label.semantics.reshape(-1)[voxels]] += 1
    most_frequent = np.where(counts.any(axis=1), counts.argmax(axis=1), FREE_LABEL)
    return most_frequent.astype(np.uint8).reshape(shape)


def prior_of_made_up_scenes(count: int) -> np.ndarray:
    """Return the voxel prior of the middles of some made-up drives, as `voxel_prior` does."""
    rig = published_rigs()[0]
    timings = [SensorTiming(Scene.from_seed(seed), rig, MIDDLE_S) for seed in range(count)]
    truths = (KeyframeBatch.of([timing], torch.device('cpu')).truth(
        timing.world_from_lidar_ego[None]) for timing in timings)
    return voxel_prior(Occ3dLabel(truth.classes[0].numpy(), truth.observed[0].numpy(),
                                  truth.observed[0].numpy()) for truth in truths)


def flat_world(grid: VoxelGrid) -> np.ndarray:
    """Return labels of nothing but a road at z = 0, uint8."""
    labels = np.full(grid.shape, FREE_LABEL, np.uint8)
    labels[:, :, grid.indices_of(np.array(grid.lower_m) * (1, 1, 0))[0][2]] = (
        OCCUPANCY_CLASS_NAMES.index('driveable_surface'))
    return labels


class OtherSceneSource:
    """
    Predict every sample by another source's prediction for a sample of another scene.

    :raises UsageError: if it has samples of one scene only.
    """

    def __init__(self, source: PredictionSource) -> None:
        self._source, self._others = source, keys_of_other_scenes(source.keys)
        self.class_names, self.free_label = source.class_names, source.free_label
        self.grid, self.keys, self.about = source.grid, source.keys, source.about

    def __call__(self, key: SampleKey) -> Prediction | None:
        """Return the prediction for the sample that the key is paired with."""
        return self._source(self._others[key])


def keys_of_other_scenes(keys: Sequence[SampleKey]) -> dict[SampleKey, SampleKey]:
    """
    Give every sample one of the next scene, in the order of time; the last scene gets the first.

    :raises UsageError: if they are all of one scene.
    """
    scenes: dict[str, list[SampleKey]] = {}
    for key in keys:
        scenes.setdefault(key.scene_name, []).append(key)
    if len(scenes) < 2:
        raise UsageError(f'images of another scene need two scenes; got {list(scenes)}')
    groups = list(scenes.values())
    return {key: following[place % len(following)]
            for group, following in zip(groups, [*groups[1:], groups[0]])
            for place, key in enumerate(group)}
