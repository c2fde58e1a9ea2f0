# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Score a network by LiDAR sweeps, beside what reaches a score without seeing what is there."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import cv2
import numpy as np

from bdc_occ_ros.datatypes import Frame
from bdc_occ_ros.errors import UsageError
from bdc_occ_ros.evaluation.controls import flat_world, prior_of_made_up_scenes
from bdc_occ_ros.evaluation.lidar_moments import Moment, MomentFile
from bdc_occ_ros.evaluation.lidar_score import LidarScore, ScoredReturns
from bdc_occ_ros.geometry.voxel_grid import VoxelGrid
from bdc_occ_ros.predictor import Prediction, Predictor

PRIOR_SCENES = 16
Observe = Callable[[Moment, Prediction, ScoredReturns], None]
COLUMNS = (('score', 'ground', 'score'), ('early', 'ground', 'early'),
           ('missed', 'ground', 'missed'), ('flat', 'ground', 'called_flat'),
           ('road', 'ground', 'called_road'), ('score', 'other', 'score'),
           ('early', 'other', 'early'), ('missed', 'other', 'missed'),
           ('called', 'boxes', 'called_by_class'), ('found', 'boxes', 'found'))


def score_by_lidar(predictor: Predictor, moments: Sequence[MomentFile], observe: Observe
                   ) -> dict[str, Any]:
    """
    Return the scores of a network and of the controls on the same returns.

    The controls are a flat world, the voxel prior of made-up scenes and, where there are two
    scenes, the network with the images of another one.

    :param observe: Is told every moment, what the network says and how its returns end.
    :raises UsageError: if the network has no voxels of Occ3D's grid.
    """
    if predictor.config.occupancy is None or predictor.config.voxel_grid() != VoxelGrid():
        raise UsageError(f'--lidar: {predictor.config.name} has not the voxels of Occ3D, by which '
                         'rays are followed')
    fixed = {'flat_world': flat_world(VoxelGrid()),
             'voxel_prior': prior_of_made_up_scenes(PRIOR_SCENES)}
    has_others = len({file.scene for file in moments}) > 1
    scores = {name: LidarScore() for name in (
        'network', *fixed, *(['other_scene'] if has_others else []))}
    for place, file in enumerate(moments):
        moment = file.load()
        prediction = predictor(moment.frame)
        observe(moment, prediction,
                scores['network'].add(prediction, moment.sweep, moment.boxes))
        for name, labels in fixed.items():
            scores[name].add(Prediction(replace(prediction.occupancy, labels=labels), None),
                             moment.sweep, moment.boxes)
        if has_others:
            other = next(other for other in (*moments[place:], *moments)
                         if other.scene != file.scene).load()
            answer = predictor(_with_images_of(moment.frame, other.frame))
            scores['other_scene'].add(answer, moment.sweep, moment.boxes)
    return {name: score.report() for name, score in scores.items()}


def lidar_report_as_text(report: Mapping[str, Any]) -> str:
    """Format what score_by_lidar returned as a table, shares in percent."""
    network = report['network']
    lines = [f'{network["sweeps"]} sweeps: {network["ground"]["returns"]} returns of the ground, '
             f'{network["other"]["returns"]} others, {network["boxes"]["boxes"]} boxes; percent',
             f'{"":12}{"ground":>40}{"other":>24}{"boxes":>16}',
             f'{"":12}' + ''.join(f'{title:>8}' for title, _, _ in COLUMNS)]
    for name, scores in report.items():
        values = (scores[kind][key] for _, kind, key in COLUMNS)
        lines.append(f'{name.replace("_", " "):12}' + ''.join(
            f'{"-":>8}' if value is None else f'{100 * value:8.1f}' for value in values))
    return '\n'.join(lines)


def _with_images_of(frame: Frame, other: Frame) -> Frame:
    """Return a frame with the images of another one, which may have another rig."""
    images = list(other.images.values())
    return replace(frame, images={
        name: _resized(images[place % len(images)], image)
        for place, (name, image) in enumerate(frame.images.items())})


def _resized(image: np.ndarray, like: np.ndarray) -> np.ndarray:
    return cv2.resize(image, like.shape[1::-1], interpolation=cv2.INTER_AREA)
