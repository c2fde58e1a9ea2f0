# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Run all checks of a data set: tables, files, rigs, poses, labels, agreement."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bdc_occ_ros.dataset.batch import evenly_spread
from bdc_occ_ros.dataset.check.agreement import LabelAgreement
from bdc_occ_ros.dataset.check.files import check_files, share_of_sweeps
from bdc_occ_ros.dataset.check.issues import DatasetIssue, UNPACK_AGAIN
from bdc_occ_ros.dataset.check.labels import check_label, MAKE_AGAIN
from bdc_occ_ros.dataset.check.poses import check_poses
from bdc_occ_ros.dataset.check.rigs import check_rigs
from bdc_occ_ros.dataset.check.tables import check_tables, CURE, read_tables
from bdc_occ_ros.dataset.class_shares import ClassShares
from bdc_occ_ros.dataset.nuscenes_dataset import NuscenesDataset, SampleKey
from bdc_occ_ros.dataset.taxonomy import LIDAR
from bdc_occ_ros.errors import BdcOccError, InvalidDatasetError

Observe = Callable[[Sequence[SampleKey]], Sequence[SampleKey]]


@dataclass(eq=False)
class DatasetCheck:
    """
    Collect the issues and figures that the checks found.

    :param dataset: The data set, or None if its tables cannot be used.
    :param opened: Samples whose images could be decoded.
    :param figures: Shares from 0 to 1 by what they are of.
    """

    issues: list[DatasetIssue] = field(default_factory=list)
    dataset: NuscenesDataset | None = None
    opened: list[SampleKey] = field(default_factory=list)
    figures: dict[str, float | None] = field(default_factory=dict)
    shares: ClassShares = field(default_factory=ClassShares)


def check_dataset(dataroot: Path, version: str, split: str | None, samples: int,
                  observe: Observe = lambda keys: keys) -> DatasetCheck:
    """
    Check the tables, and if they are sound, files, calibrations, poses and some samples.

    :param split: Which scenes; None for all.
    :param samples: How many samples are opened, evenly spread.
    :param observe: Is given the samples that will be opened and returns them one by one.
    :raises UsageError: if no samples are wanted.
    :raises InvalidDatasetError: if the split is unknown or has no scenes.
    """
    check = DatasetCheck()
    tables, check.issues = read_tables(dataroot / version)
    check.issues += check_tables(tables)
    del tables
    if check.issues:
        return check
    dataset = check.dataset = NuscenesDataset(dataroot, version, split)
    for part in (check_files, check_rigs, check_poses):
        check.issues += part(dataset)
    agreement = LabelAgreement(dataset)
    for key in observe([dataset.keys[place] for place in evenly_spread(samples, len(dataset))]):
        _check_sample(check, agreement, key)
    check.issues += agreement.issues()
    check.figures = {**agreement.figures(), 'sweeps_that_are_there': share_of_sweeps(dataset)}
    return check


def _check_sample(check: DatasetCheck, agreement: LabelAgreement, key: SampleKey) -> None:
    def attempt(name: str, where: str, cure: str, act: Callable[..., Any], *arguments: Any) -> Any:
        """Return what a function returns, or None with an issue."""
        try:
            return act(*arguments)
        except BdcOccError as error:
            check.issues.append(DatasetIssue(name, where, str(error), cure))

    dataset, sample = check.dataset, f'sample {key.token} of {key.scene_name}'
    file = dataset.label_path(key)
    frame = attempt('files', sample, UNPACK_AGAIN, dataset.frame, key)
    points_m = attempt('files', f'LiDAR sweep of {sample}', UNPACK_AGAIN, _points_m, dataset, key)
    label = None
    if file.is_file():
        label = attempt('labels', str(file), MAKE_AGAIN, dataset.label, key)
    if label is not None:
        check.shares.add(torch.from_numpy(label.semantics)[None],
                         torch.from_numpy(label.mask_camera)[None])
    attempt('boxes', sample, CURE, agreement.add, key, label, points_m)
    if frame is not None:
        check.opened.append(key)
        if label is not None:
            check.issues += check_label(dataset, key, frame, label)


def _points_m(dataset: NuscenesDataset, key: SampleKey) -> np.ndarray:
    """Read the LiDAR sweep of a sample in the ego frame of the LiDAR, (N, 3)."""
    points_m = dataset.lidar_points_m(key)
    ego_from_world = np.linalg.inv(dataset.world_from_ego(key, LIDAR))
    if not np.isfinite(points_m).all() or not len(points_m):
        raise InvalidDatasetError(f'{len(points_m)} points, not all of them finite')
    return points_m @ ego_from_world[:3, :3].T + ego_from_world[:3, 3]
