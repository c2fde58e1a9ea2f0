# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Evaluate predictions over a split, on one process or in parts on several."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np

from bdc_occ_ros.dataset.nuscenes_dataset import NuscenesDataset, SampleKey
from bdc_occ_ros.dataset.taxonomy import LIDAR
from bdc_occ_ros.evaluation.channel_gates import ChannelGates
from bdc_occ_ros.evaluation.detection_scores import Submission, submission_of
from bdc_occ_ros.evaluation.ray_iou import choose_origins, RayIou
from bdc_occ_ros.evaluation.voxel_iou import ConfusionMatrix
from bdc_occ_ros.geometry.voxel_grid import VoxelGrid
from bdc_occ_ros.predictor import Prediction

Answer = Callable[[SampleKey], Prediction | None]


class SampleScore(NamedTuple):
    """Hold one sample's mean IoU over the voxels a camera sees, 0 to 1; nan without a grid."""

    key: SampleKey
    mean_iou: float


class Evaluation:
    """
    Accumulate the counts behind all scores.

    :param num_classes: Classes, the free one among them.
    :param with_rays: Whether rays are cast, which takes about two seconds per sample.
    """

    def __init__(self, num_classes: int, free_label: int, grid: VoxelGrid, with_rays: bool
                 ) -> None:
        self.free_label = free_label
        self.voxels = ConfusionMatrix(num_classes)  # those that a camera sees
        self.rays = RayIou(num_classes, free_label, grid) if with_rays else None
        self.samples: list[SampleScore] = []
        self.boxes: dict[str, Submission] = {}  # by key of the sample
        self.unanswered: list[SampleKey] = []  # without a prediction; they count nowhere else
        self.gates: ChannelGates | None = None  # where they were recorded

    def merge(self, other: 'Evaluation') -> None:
        """Add what another process has counted."""
        self.voxels.merge(other.voxels)
        if self.rays is not None and other.rays is not None:
            self.rays.merge(other.rays)
        self.samples += other.samples
        self.boxes |= other.boxes
        self.unanswered += other.unanswered
        if self.gates is not None and other.gates is not None:
            self.gates.merge(other.gates)

    def worst(self, count: int) -> list[SampleScore]:
        """Return the samples of the lowest mean IoU, the lowest first."""
        scored = [sample for sample in self.samples if not np.isnan(sample.mean_iou)]
        return sorted(scored, key=lambda sample: sample.mean_iou)[:count]


def count_answers(answer: Answer, dataset: NuscenesDataset, keys: Iterable[SampleKey],
                  evaluation: Evaluation) -> Evaluation:
    """
    Ask for the prediction of each sample, count what is right, and return the evaluation.

    :param answer: Gives the prediction of a sample in the ego frame of its LiDAR sweep, or None
        where there is none.
    """
    for key in keys:
        prediction = answer(key)
        if prediction is None:
            evaluation.unanswered.append(key)
            continue
        score = float('nan')
        if prediction.occupancy is not None:
            score = _count_voxels(evaluation, dataset, key, prediction.occupancy.labels)
        evaluation.samples.append(SampleScore(key, score))
        if prediction.boxes is not None:
            evaluation.boxes[key.token] = submission_of(
                prediction.boxes, key.token, dataset.world_from_ego(key, LIDAR))
    return evaluation


def _count_voxels(evaluation: Evaluation, dataset: NuscenesDataset, key: SampleKey,
                  labels: np.ndarray) -> float:
    """Count the voxels and rays of one sample; return its own score."""
    truth = dataset.label(key)
    own = ConfusionMatrix(len(evaluation.voxels.counts))
    own.add(labels, truth.semantics, truth.mask_camera)
    evaluation.voxels.merge(own)
    if evaluation.rays is not None:
        evaluation.rays.add(labels, truth.semantics,
                            choose_origins(dataset.lidar_origins_m(key)))
    return own.mean_iou(evaluation.free_label)
