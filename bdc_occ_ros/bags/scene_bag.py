# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Render a drive and write it as a bag with its ground truth."""

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
import multiprocessing
import os
from pathlib import Path

import cv2
import numpy as np
import torch
from tqdm import tqdm

from bdc_occ_ros.bags.formats import ConverterFormat
from bdc_occ_ros.bags.rig_bag import BagSummary, RecordedReading, RigBagWriter
from bdc_occ_ros.bags.truth_file import Truth
from bdc_occ_ros.geometry.camera_rig import CameraRig
from bdc_occ_ros.sync.synthetic_triggers import NUSCENES_STEP_MS, START_NS
from bdc_occ_ros.world.drive import Drive, num_triggers

JPEG_QUALITY = 90
Rendering = tuple[dict[str, bytes], Truth | None]  # JPEG by camera name, and the ground truth


def encode_jpeg(image: np.ndarray) -> bytes:
    """
    Compress an image.

    :param image: RGB, (H, W, 3) uint8.
    """
    parameters = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
    return cv2.imencode('.jpg', image[..., ::-1], parameters)[1].tobytes()


def write_scene_bag(path: str | Path, rig: CameraRig, *, seed: int, seconds: float,
                    calibration: str = 'tf', converter: ConverterFormat | None = None,
                    num_processes: int | None = None, show_progress: bool = False) -> BagSummary:
    """
    Write a bag of a drive; the first set of every half second has ground truth beside it.

    :param rig: The cameras, with the image size to render.
    :param calibration: As for RigBagWriter, and so is the converter.
    :param num_processes: How many processes render; 1 renders in this one, None takes one per core
        and dozen of triggers, up to eight.
    :param show_progress: Whether to draw a progress bar on standard error.
    :raises UsageError: if the folder exists or no drive is that long.
    """
    total, drive = num_triggers(seconds), Drive(rig, seed)
    num_processes = num_processes or max(1, min(len(os.sched_getaffinity(0)), 8, total // 12))
    wanted = [trigger % len(NUSCENES_STEP_MS) == 0 for trigger in range(total)]
    with RigBagWriter(path, rig, START_NS, calibration=calibration, converter=converter) as bag:
        with _renderings(drive, seed, wanted, num_processes) as renderings:
            bar = tqdm(renderings, 'rendering', total, unit='set', disable=not show_progress)
            for trigger, (jpegs, truth) in enumerate(bar):
                fired = sorted(drive.exposures(trigger).values(), key=lambda e: e.stamp_ns)
                bag.write_set([RecordedReading(e.camera, e.stamp_ns, jpegs[e.camera],
                                             e.world_from_ego) for e in fired], wanted[trigger])
                if truth is not None:
                    bag.truths.append(truth)
    return bag.summary


_drive: Drive | None = None


def _start_worker(rig: CameraRig, seed: int) -> None:
    """Build the scene once per process; processes are the parallelism here."""
    global _drive
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    _drive = Drive(rig, seed)


def _render(trigger: int, has_truth: bool, drive: Drive | None = None) -> Rendering:
    """Render one trigger with a drive, or in a worker with its own."""
    drive = drive or _drive
    jpegs = {name: encode_jpeg(image) for name, image in drive.images(trigger).items()}
    if not has_truth:
        return jpegs, None
    occupancy, boxes = drive.truth(trigger)
    return jpegs, Truth(occupancy.stamp_ns, occupancy, boxes)


@contextmanager
def _renderings(drive: Drive, seed: int, wanted: list[bool], num_processes: int
                ) -> Iterator[Iterator[Rendering]]:
    num_processes = min(num_processes, len(wanted))
    if num_processes == 1:
        num_threads = torch.get_num_threads()
        torch.set_num_threads(1)  # the arithmetic of a few small images is not worth more
        try:
            yield map(partial(_render, drive=drive), range(len(wanted)), wanted)
        finally:
            torch.set_num_threads(num_threads)
        return
    with ProcessPoolExecutor(num_processes, multiprocessing.get_context('spawn'), _start_worker,
                             (drive.rig, seed)) as pool:
        yield pool.map(_render, range(len(wanted)), wanted)
