# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""All checks of a data set, one after another."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch

from bdc_occ_ros.dataset.check.agreement import Agreement
from bdc_occ_ros.dataset.check.files import check_files, open_images, open_points_m
from bdc_occ_ros.dataset.check.issues import Finding
from bdc_occ_ros.dataset.check.labels import check_label, open_label
from bdc_occ_ros.dataset.check.poses import check_poses
from bdc_occ_ros.dataset.check.rigs import check_rigs
from bdc_occ_ros.dataset.check.tables import check_tables, CURE, read_tables
from bdc_occ_ros.dataset.class_shares import ClassShares
from bdc_occ_ros.dataset.even_choice import evenly_spread
from bdc_occ_ros.dataset.nuscenes_dataset import NuscenesDataset, SampleKey
from bdc_occ_ros.errors import BdcOccError

Observe = Callable[[Sequence[SampleKey]], Sequence[SampleKey]]


@dataclass(eq=False)
class DatasetCheck:
    """
    What was found.

    :param findings: Mistakes; none if all is well.
    :param dataset: The data set, or None if its tables cannot be used.
    :param opened: Samples whose images could be decoded.
    :param figures: Shares from 0 to 1 by what they are of.
    :param shares: How often classes occur.
    """

    findings: list[Finding] = field(default_factory=list)
    dataset: NuscenesDataset | None = None
    opened: list[SampleKey] = field(default_factory=list)
    figures: dict[str, float | None] = field(default_factory=dict)
    shares: ClassShares = field(default_factory=ClassShares)


def check_dataset(dataroot: Path, version: str, split: str | None, samples: int,
                  observe: Observe = lambda keys: keys) -> DatasetCheck:
    """
    Look at the tables, and if they are sound, at files, calibrations, poses and some samples.

    :param dataroot: Folder of the data set.
    :param version: Folder of its tables.
    :param split: Which scenes; None for all.
    :param samples: How many samples are opened, evenly spread.
    :param observe: Is given the samples that will be opened and returns them one by one.
    :raises UsageError: if no samples are wanted.
    :raises InvalidDatasetError: if the split is unknown or has no scenes.
    """
    check = DatasetCheck()
    tables, check.findings = read_tables(dataroot / version)
    check.findings += check_tables(tables)
    del tables
    if check.findings:
        return check
    dataset = check.dataset = NuscenesDataset(dataroot, version, split)
    for part in (check_files, check_rigs, check_poses):
        check.findings += part(dataset)
    agreement = Agreement(dataset)
    for key in observe([dataset.keys[place] for place in evenly_spread(samples, len(dataset))]):
        _check_sample(check, agreement, key)
    check.findings += agreement.findings()
    check.figures = agreement.figures()
    return check


def _check_sample(check: DatasetCheck, agreement: Agreement, key: SampleKey) -> None:
    """Open one sample."""
    frame, image_findings = open_images(check.dataset, key)
    points_m, point_findings = open_points_m(check.dataset, key)
    label, label_findings = open_label(check.dataset, key)
    check.findings += [*image_findings, *point_findings, *label_findings]
    if label is not None:
        check.shares.add(torch.from_numpy(label.semantics)[None],
                         torch.from_numpy(label.mask_camera)[None])
    try:
        agreement.add(key, label, points_m)
    except BdcOccError as error:
        check.findings.append(Finding('boxes', f'sample {key.token} of {key.scene_name}',
                                      str(error), CURE))
    if frame is not None:
        check.opened.append(key)
        if label is not None:
            check.findings += check_label(check.dataset, key, frame, label)
