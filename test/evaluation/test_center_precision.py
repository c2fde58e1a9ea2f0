# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Average precision by hand, and against the devkit on random boxes."""

import numpy as np
import pytest

from bdc_occ_ros.classes import DETECTION_CLASS_NAMES
from bdc_occ_ros.datatypes import Boxes
from bdc_occ_ros.evaluation.center_precision import CenterPrecision

CAR, CONE = (DETECTION_CLASS_NAMES.index(name) for name in ('car', 'traffic_cone'))


def boxes_of(centers, scores, labels):
    count = len(scores)
    return Boxes(np.column_stack((np.reshape(centers, (count, 2)), np.zeros(count))),
                 np.ones((count, 3)), np.zeros(count), np.zeros((count, 2)),
                 np.array(scores, float), np.array(labels, int), DETECTION_CLASS_NAMES, 0)


def precision_of(*samples):
    precision = CenterPrecision(DETECTION_CLASS_NAMES)
    for boxes, centers, labels in samples:
        precision.add(boxes, np.reshape(centers, (-1, 2)).astype(float), np.array(labels, int))
    return precision


def test_a_box_counts_from_the_limit_on_within_which_it_lies():
    boxes = boxes_of([(10, 1.5)], [0.9], [CAR])
    precision = precision_of((boxes, [(10, 0)], [CAR]))
    assert precision.average_precisions()['car'] == pytest.approx(0.5)  # at 2 m and at 4 m
    assert precision.mean() == pytest.approx(0.05)


def test_the_strongest_takes_the_object_and_doubles_are_wrong():
    boxes = boxes_of([(10, 0), (10, 0.1), (20, 0)], [0.9, 0.8, 0.7], [CAR] * 3)
    precision = precision_of((boxes, [(10, 0), (20, 0)], [CAR, CAR]))
    # precision 1 up to half the recall, and from there on a line from 1/2 to 2/3
    recalls = np.arange(51, 101) / 100
    later = 1 / 2 + (recalls - 0.5) / 0.5 * (2 / 3 - 1 / 2)
    expected = (39 * 0.9 + (1 / 2 - 0.1) + (later - 0.1).sum()) / 90 / 0.9
    assert precision.average_precisions()['car'] == pytest.approx(expected)


def test_what_is_far_off_does_not_count_on_either_side():
    boxes = boxes_of([(10, 0), (35, 0)], [0.5, 0.9], [CONE, CONE])
    precision = precision_of((boxes, [(10, 0), (0, 35)], [CONE, CONE]))
    assert precision.average_precisions()['traffic_cone'] == pytest.approx(1.0)


def test_nothing_found_or_nothing_there_is_zero():
    nothing = boxes_of([], [], [])
    assert precision_of((nothing, [(10, 0)], [CAR])).mean() == 0.0
    assert precision_of((boxes_of([(10, 0)], [0.5], [CAR]), [], [])).mean() == 0.0


def random_samples(count=6):
    generator = np.random.default_rng(0)
    for _ in range(count):
        true_m, labels = generator.uniform(-18, 18, (30, 2)), generator.integers(0, 10, 30)
        found = generator.random(60) < 0.5
        near_m = np.concatenate((true_m, true_m)) + generator.normal(0, 1.2, (60, 2))
        scores = generator.random(60).round(1)  # with ties
        yield (boxes_of(near_m[found].astype(np.float32), scores[found],
                        np.concatenate((labels, labels))[found]), true_m, labels)


def test_random_boxes_score_what_the_devkit_says():
    pytest.importorskip('nuscenes', reason='nuscenes-devkit is not installed')
    from nuscenes.eval.common.data_classes import EvalBoxes
    from nuscenes.eval.common.utils import center_distance
    from nuscenes.eval.detection.algo import accumulate, calc_ap
    from nuscenes.eval.detection.data_classes import DetectionBox
    shape = {'size': (1.0, 1.0, 1.0), 'rotation': (1.0, 0.0, 0.0, 0.0)}
    samples = list(random_samples())
    true, found = EvalBoxes(), EvalBoxes()
    for number, (boxes, true_m, labels) in enumerate(samples):
        true.add_boxes(str(number), [
            DetectionBox(str(number), (*center, 0.0), **shape,
                         detection_name=DETECTION_CLASS_NAMES[label])
            for center, label in zip(true_m, labels)])
        found.add_boxes(str(number), [
            DetectionBox(str(number), tuple(center.astype(float)), **shape,
                         detection_score=float(score), detection_name=DETECTION_CLASS_NAMES[label])
            for center, label, score in zip(boxes.centers_m, boxes.labels, boxes.scores)])
    expected = {name: np.mean([calc_ap(accumulate(true, found, name, center_distance, limit_m),
                                       0.1, 0.1) for limit_m in (0.5, 1.0, 2.0, 4.0)])
                for name in DETECTION_CLASS_NAMES}
    assert precision_of(*samples).average_precisions() == pytest.approx(expected, abs=1e-9)
    assert 0.05 < np.mean(list(expected.values())) < 0.9
