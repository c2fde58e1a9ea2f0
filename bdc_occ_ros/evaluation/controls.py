# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What a score is worth: the same samples answered without looking, or by other images."""

from collections.abc import Sequence

import numpy as np

from bdc_occ_ros.classes import FREE_LABEL, OCCUPANCY_CLASS_NAMES
from bdc_occ_ros.dataset.nuscenes_dataset import NuscenesDataset, SampleKey
from bdc_occ_ros.datatypes import Occupancy
from bdc_occ_ros.errors import UsageError
from bdc_occ_ros.evaluation.subjects import Subject
from bdc_occ_ros.evaluation.voxel_prior import voxel_prior
from bdc_occ_ros.geometry.voxel_grid import VoxelGrid
from bdc_occ_ros.predictor import Prediction


class PriorSubject:
    """
    Answers every sample with the voxel prior.

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
        labels = map(learned_from.label, learned_from.keys)
        self._labels = voxel_prior((label.semantics, label.mask_camera) for label in labels)
        self._dataset = dataset
        self.class_names, self.free_label = OCCUPANCY_CLASS_NAMES, FREE_LABEL
        self.grid, self.keys = VoxelGrid(), keys
        self.about = {'model': f'voxel prior of {learned_from.split}'}

    def __call__(self, key: SampleKey) -> Prediction:
        """Return the prior."""
        stamp_ns, _ = self._dataset.key_exposure(key)
        return Prediction(Occupancy(self.grid, self._labels, np.ones(self.grid.shape, bool),
                                    self.class_names, self.free_label, stamp_ns), None)


class OtherSceneSubject:
    """
    Answers a sample with what another subject says of one of another scene.

    :param subject: The other, for example a network.
    :raises UsageError: if it has samples of one scene only.
    """

    def __init__(self, subject: Subject) -> None:
        self._subject, self._others = subject, keys_of_other_scenes(subject.keys)
        self.class_names, self.free_label = subject.class_names, subject.free_label
        self.grid, self.keys, self.about = subject.grid, subject.keys, subject.about

    def __call__(self, key: SampleKey) -> Prediction | None:
        """
        Return the prediction for a sample of another scene.

        :param key: Sample that it is scored on.
        """
        return self._subject(self._others[key])


def keys_of_other_scenes(keys: Sequence[SampleKey]) -> dict[SampleKey, SampleKey]:
    """
    Give every sample one of the next scene, in the order of time; the last scene gets the first.

    :param keys: Samples of two scenes or more.
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
