# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Score a network on samples of a training source: its voxels, and its boxes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from bdc_occ_ros.dataset.batch import TrainingBatch, TrainingSource
from bdc_occ_ros.evaluation.center_precision import CenterPrecision
from bdc_occ_ros.evaluation.voxel_iou import ConfusionMatrix
from bdc_occ_ros.network.bev_to_boxes import BoxMaps
from bdc_occ_ros.network.box_decoding import decode_boxes
from bdc_occ_ros.network.config import NetworkConfig
from bdc_occ_ros.network.network import OccupancyNetwork
from bdc_occ_ros.training.forward import run_network
from bdc_occ_ros.training.losses import learned_voxels


@dataclass(frozen=True, eq=False)
class SourceScores:
    """
    Hold the counts behind the scores.

    :param counts: Confusion matrix per sample over the voxels that a camera sees and whose class
        is known, (samples, classes, classes) int64, truth by prediction; no sample without an
        occupancy head.
    :param average_precisions: By class, 0 to 1, of boxes on the network's grid; empty without a
        box head.
    """

    counts: np.ndarray
    average_precisions: dict[str, float]


@torch.no_grad()
def score_source(network: OccupancyNetwork, source: TrainingSource, numbers: Sequence[int],
                 batch: int, device: torch.device, precision: str, *,
                 with_boxes: bool = True) -> SourceScores:
    """
    Run a network on samples and count what is right, sample by sample.

    :param batch: How many are in the network at once.
    :param precision: auto, float32 or bfloat16.
    """
    config = network.config
    num_classes = config.occupancy.num_classes if config.occupancy else 0
    counts: list[np.ndarray] = []
    boxes = CenterPrecision(config.boxes.class_names) if config.boxes and with_boxes else None
    for start in range(0, len(numbers), batch):
        samples = source.load(numbers[start:start + batch], device)
        output = run_network(network, samples, precision)
        if output.occupancy_logits is not None:
            labels = output.occupancy_logits.max(dim=-1).indices
            learned = learned_voxels(samples.semantics, samples.observed)
            counts += [_counted(*parts, num_classes) for parts in zip(labels, samples.semantics,
                                                                      learned)]
        if boxes is not None:
            _add_boxes(boxes, output.box_maps, samples, config)
    return SourceScores(
        np.array(counts, np.int64).reshape(len(counts), num_classes, num_classes),
        boxes.average_precisions() if boxes else {})


def _counted(labels: torch.Tensor, truth: torch.Tensor, voxels: torch.Tensor,
             num_classes: int) -> np.ndarray:
    """Return the confusion matrix of one sample over some voxels."""
    matrix = ConfusionMatrix(num_classes)
    predicted, true = (values[voxels].cpu().numpy() for values in (labels, truth))
    matrix.add(predicted, true, np.ones(len(true), bool))
    return matrix.counts


def _add_boxes(boxes: CenterPrecision, maps: BoxMaps, samples: TrainingBatch,
               config: NetworkConfig) -> None:
    """Take in the boxes of a batch."""
    for place, truth in enumerate(samples.boxes):
        found = decode_boxes(BoxMaps(*(values[place:place + 1] for values in maps)), config, 0)
        boxes.add(found, truth.boxes[:, :2].cpu().numpy(), truth.labels.cpu().numpy())
