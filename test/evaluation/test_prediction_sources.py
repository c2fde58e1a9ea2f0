# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A network is asked for the ego frame of the label, which is not that of the key camera."""

from made_scenes import SPEED_MPS, VERSION
import numpy as np
import pytest

from bdc_occ_ros.classes import FREE_LABEL, OCCUPANCY_CLASS_NAMES
from bdc_occ_ros.dataset.nuscenes_dataset import NuscenesDataset
from bdc_occ_ros.dataset.taxonomy import LIDAR
from bdc_occ_ros.datatypes import Occupancy
from bdc_occ_ros.evaluation.dataset_evaluation import count_answers, Evaluation
from bdc_occ_ros.evaluation.detection_scores import detection_scores
from bdc_occ_ros.evaluation.prediction_sources import NetworkSource
from bdc_occ_ros.geometry.voxel_grid import VoxelGrid
from bdc_occ_ros.network.config import load_network_config
from bdc_occ_ros.predictor import key_ego_from_ego, Prediction

pytest.importorskip('nuscenes', reason='nuscenes-devkit is not installed')


class Seer:
    """Stands for a predictor that knows the truth, in the frame in which it is asked for it."""

    def __init__(self, dataset):
        self.config, self.network = load_network_config('bdc_occ_nano'), None
        self.is_trained, self.weights_sha256 = True, None
        self._dataset = dataset
        self._keys = {dataset.key_exposure(key)[0]: key for key in dataset.keys}

    def __call__(self, frame):
        key = self._keys[frame.stamp_ns]
        shift_m = key_ego_from_ego(frame)[0][0, 3]
        assert shift_m == pytest.approx(-0.043 * SPEED_MPS, abs=1e-6)
        labels = self._dataset.label(key).semantics
        return Prediction(
            Occupancy(VoxelGrid(), labels, np.ones(labels.shape, bool), OCCUPANCY_CLASS_NAMES,
                      FREE_LABEL, frame.stamp_ns), self._dataset.boxes(key, LIDAR))


def test_voxels_and_boxes_of_a_moving_vehicle_are_those_of_the_label(made_dataroot):
    dataset = NuscenesDataset(made_dataroot, VERSION, 'check')
    source = NetworkSource(Seer(dataset), dataset, 'seer')
    evaluation = count_answers(source, dataset, source.keys,
                               Evaluation(18, FREE_LABEL, source.grid, False))
    assert evaluation.voxels.mean_iou(FREE_LABEL) == 1.0
    boxes = detection_scores(dataset, evaluation.boxes)
    assert boxes.average_precisions['car'] == pytest.approx(1.0)
    assert boxes.errors['trans_err'] == pytest.approx(0.8, abs=1e-3)  # 8 of 10 classes are absent
