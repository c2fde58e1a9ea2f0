# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Compute mean average precision and the nuScenes detection score with the nuScenes devkit."""

from collections.abc import Mapping, Sequence
import json
from pathlib import Path
import tempfile
from typing import Any, NamedTuple

import numpy as np

from bdc_occ_ros.dataset.nuscenes_dataset import NuscenesDataset
from bdc_occ_ros.dataset.taxonomy import attribute_of
from bdc_occ_ros.datatypes import Boxes
from bdc_occ_ros.errors import InvalidDatasetError, MeasurementError
from bdc_occ_ros.files import reading, writing
from bdc_occ_ros.geometry.rotations import quaternion_from_matrix

RULES = 'detection_cvpr_2019'
MAX_BOXES = 500
MODALITIES = {'use_camera': True, 'use_lidar': False, 'use_radar': False, 'use_map': False,
              'use_external': False}

Submission = Sequence[Mapping[str, Any]]


class DetectionScores(NamedTuple):
    """
    Hold the devkit's scores, from 0 to 1.

    :param errors: mATE, mASE, mAOE, mAVE and mAAE by the devkit's names of them.
    """

    mean_ap: float
    nds: float
    average_precisions: Mapping[str, float]
    errors: Mapping[str, float]


def submission_of(boxes: Boxes, sample_token: str, world_from_ego: np.ndarray) -> Submission:
    """Turn the best 500 boxes in an ego frame into entries of a results file."""
    entries = []
    for index in np.argsort(-boxes.scores, kind='stable')[:MAX_BOXES].tolist():
        name = boxes.class_names[boxes.labels[index]]
        yaw = float(boxes.yaws_rad[index])
        cos, sin = np.cos(yaw), np.sin(yaw)
        turned = world_from_ego[:3, :3] @ np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])
        x, y, z, w = quaternion_from_matrix(turned).tolist()
        velocity = world_from_ego[:3, :2] @ np.nan_to_num(boxes.velocities_mps[index])
        center = world_from_ego[:3, :3] @ boxes.centers_m[index] + world_from_ego[:3, 3]
        length, width, height = boxes.sizes_m[index].tolist()
        entries.append({
            'sample_token': sample_token, 'translation': center.tolist(),
            'size': [width, length, height], 'rotation': [w, x, y, z],
            'velocity': velocity[:2].tolist(), 'detection_name': name,
            'detection_score': float(boxes.scores[index]),
            'attribute_name': attribute_of(name, float(np.linalg.norm(velocity)))})
    return entries


def detection_scores(dataset: NuscenesDataset, results: Mapping[str, Submission],
                     range_limit_m: float | None = None) -> DetectionScores:
    """
    Score boxes for samples of a split.

    :param results: Entries by key of the sample; only these samples count, each with all of its
        annotated objects.
    :param range_limit_m: Cap on the classes' ranges, for networks whose grid ends before.
    :raises InvalidDatasetError: if there are no results, or some for samples of another split.
    """
    from nuscenes.eval.common.config import config_factory
    from nuscenes.eval.detection.constants import TP_METRICS
    from nuscenes.eval.detection.evaluate import DetectionEval
    known = {key.token for key in dataset.keys}
    if not results or not results.keys() <= known:
        raise InvalidDatasetError(
            f'results are needed for some of the {len(known)} samples of {dataset.split}; got '
            f'{len(results)}, {len(results.keys() - known)} of them for others')
    rules = config_factory(RULES)
    if range_limit_m is not None:
        rules.class_range = {name: min(reach_m, range_limit_m)
                             for name, reach_m in rules.class_range.items()}
    if not any(results.values()) or not any(
            dataset.rows.row('sample', token)['anns'] for token in known):
        # Nothing is predicted or nothing annotated, which the devkit refuses.
        return DetectionScores(0.0, 0.0, dict.fromkeys(rules.class_names, 0.0),
                               dict.fromkeys(TP_METRICS, 1.0))
    with (writing(tempfile.gettempdir(), MeasurementError),
          tempfile.TemporaryDirectory() as folder):
        path = Path(folder, 'results.json')
        path.write_text(json.dumps({
            'meta': MODALITIES,
            'results': {token: list(results.get(token, ())) for token in known}}))
        with reading(dataset.dataroot, InvalidDatasetError):
            devkit = DetectionEval(dataset.tables, rules, str(path), dataset.split, folder,
                                   verbose=False)
            for boxes in (devkit.pred_boxes, devkit.gt_boxes):
                for token in known - results.keys():
                    boxes.boxes.pop(token, None)
            metrics, _ = devkit.evaluate()
    return DetectionScores(
        float(metrics.mean_ap), float(metrics.nd_score),
        {name: float(value) for name, value in metrics.mean_dist_aps.items()},
        {name: float(value) for name, value in metrics.tp_errors.items()})
