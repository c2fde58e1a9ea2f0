# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Renders a drive and writes it as a bag with its right answers."""

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
import multiprocessing
import os
from pathlib import Path

import cv2
import numpy as np
import torch
from tqdm import tqdm

from bdc_occ_ros.bags import TRUTH_FILE
from bdc_occ_ros.bags.flavours import Flavour
from bdc_occ_ros.bags.open_bag import open_bag
from bdc_occ_ros.bags.recorded_image import RecordedImage
from bdc_occ_ros.bags.rig_bag_writer import BagSummary
from bdc_occ_ros.bags.truth_file import save_truth, Truth
from bdc_occ_ros.geometry.camera_rig import CameraRig
from bdc_occ_ros.sync.synthetic_triggers import NUSCENES_STEP_MS, START_NS
from bdc_occ_ros.world.drive import Drive, num_triggers

JPEG_QUALITY = 90


class TriggerRenderer:
    """
    Renders triggers to what a bag keeps of them.

    :param rig: The cameras, with the image size to render.
    """

    def __init__(self, rig: CameraRig, seed: int) -> None:
        self._drive = Drive(rig, seed)

    def __call__(self, trigger: int, has_truth: bool) -> tuple[dict[str, bytes], Truth | None]:
        """
        Render one trigger.

        :param has_truth: Whether the right answer is wanted.
        :return: JPEG by camera name and the right answer.
        """
        images = self._drive.images(trigger)
        truth = None
        if has_truth:
            occupancy, boxes = self._drive.truth(trigger)
            truth = Truth(occupancy.stamp_ns, occupancy, boxes)
        return {name: encode_jpeg(image) for name, image in images.items()}, truth


def encode_jpeg(image: np.ndarray) -> bytes:
    """
    Compress an image.

    :param image: RGB, (H, W, 3) uint8.
    """
    parameters = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
    return cv2.imencode('.jpg', image[..., ::-1], parameters)[1].tobytes()


def write_scene_bag(path: str | Path, rig: CameraRig, *, seed: int, seconds: float,
                    calibration: str = 'tf', flavour: Flavour | None = None,
                    num_processes: int | None = None, show_progress: bool = False) -> BagSummary:
    """
    Write a bag of a drive; the first set of every half second has its right answer beside it.

    :param rig: The cameras, with the image size to render.
    :param seconds: Length of the drive.
    :param calibration: 'tf' or 'file', see RigBagWriter.
    :param flavour: Write as this converter does instead.
    :param num_processes: How many processes render; 1 renders in this one, None takes as many as
        there are cores if the drive is worth their start.
    :param show_progress: Whether to draw a progress bar on standard error.
    :raises UsageError: if the folder exists or no drive is that long.
    """
    total, drive = num_triggers(seconds), Drive(rig, seed)
    wanted = [trigger % len(NUSCENES_STEP_MS) == 0 for trigger in range(total)]
    truths, stamp_ns = [], START_NS
    with open_bag(path, rig, START_NS, calibration, flavour) as bag:
        with _renderings(rig, seed, wanted, num_processes or _num_processes(total)) as renderings:
            bar = tqdm(renderings, 'rendering', total, unit='set', disable=not show_progress)
            for trigger, (jpegs, truth) in enumerate(bar):
                fired = sorted(drive.exposures(trigger).values(), key=lambda e: e.stamp_ns)
                bag.write_set([RecordedImage(e.camera, e.stamp_ns, jpegs[e.camera],
                                             e.world_from_ego) for e in fired], wanted[trigger])
                stamp_ns = fired[-1].stamp_ns
                if truth is not None:
                    truths.append(truth)
    save_truth(truths, Path(path) / TRUTH_FILE)
    return BagSummary(str(path), bag.num_sets, bag.num_images, len(truths),
                      (stamp_ns - START_NS) / 1e9)


def _num_processes(num_triggers: int) -> int:
    """Return how many processes should render: one per core and dozen of triggers, up to eight."""
    return max(1, min(len(os.sched_getaffinity(0)), 8, num_triggers // 12))


_renderer: TriggerRenderer | None = None


def _start_worker(rig: CameraRig, seed: int) -> None:
    """Build the scene once per process; processes are the parallelism here."""
    global _renderer
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    _renderer = TriggerRenderer(rig, seed)


def _render(trigger: int, has_truth: bool) -> tuple[dict[str, bytes], Truth | None]:
    """Render in a worker."""
    assert _renderer is not None
    return _renderer(trigger, has_truth)


@contextmanager
def _renderings(rig: CameraRig, seed: int, wanted: list[bool], num_processes: int
                ) -> Iterator[Iterator[tuple[dict[str, bytes], Truth | None]]]:
    """Yield an iterator over all renderings in order."""
    num_processes = min(num_processes, len(wanted))
    if num_processes == 1:
        num_threads = torch.get_num_threads()
        torch.set_num_threads(1)  # the arithmetic of a few small images is not worth more
        try:
            yield map(TriggerRenderer(rig, seed), range(len(wanted)), wanted)
        finally:
            torch.set_num_threads(num_threads)
        return
    with ProcessPoolExecutor(num_processes, multiprocessing.get_context('spawn'), _start_worker,
                             (rig, seed)) as pool:
        yield pool.map(_render, range(len(wanted)), wanted)
