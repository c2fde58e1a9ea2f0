# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Draw the picture and write the Rerun recording of a demo."""

from dataclasses import replace
from pathlib import Path

from bdc_occ_ros.bags import TRUTH_FILE
from bdc_occ_ros.bags.bag_frames import IMAGE_TOPIC, RigBag
from bdc_occ_ros.bags.bag_reader import BagReader
from bdc_occ_ros.bags.recording import Recording
from bdc_occ_ros.bags.truth_file import load_truth, Truth
from bdc_occ_ros.drawing.rerun_recording import RerunRecording
from bdc_occ_ros.drawing.sheet import Column, draw_sheet, Overlay
from bdc_occ_ros.errors import UsageError
from bdc_occ_ros.files import replacing
from bdc_occ_ros.geometry.camera_rig import CameraRig
from bdc_occ_ros.sync.synthetic_triggers import NUSCENES_OFFSETS_NS
from bdc_occ_ros.world.drive import Drive, TRIGGERS_NS

TITLE = 'bdc_occ_ros: six cameras in, semantic occupancy and boxes out'


def middle_truth(recording: Recording, rig: CameraRig, seed: int) -> Truth:
    """Return the ground truth of the result in the middle of a recorded drive."""
    stamps = sorted(recording.occupancies)
    stamp_ns = stamps[len(stamps) // 2]
    return Truth(stamp_ns, *Drive(rig, seed).truth(TRIGGERS_NS.index(stamp_ns)))


def draw_demo(folder: Path, recording: Recording, truth: Truth, score: str, notice: str) -> None:
    """
    Draw occupancy.png: a result beside the truth, both in the cells that a camera observes.

    Labels of other cells are unsupervised in training and have no ground truth here.

    :param folder: Output folder of the demo, with the drive.
    :param truth: Ground truth of the result that is shown.
    :param score: How right the result is, in words.
    :param notice: Warning to show; empty for none.
    """
    frame = next(iter(RigBag(folder / 'drive').frames({truth.stamp_ns})))
    boxes = recording.boxes.get(truth.stamp_ns)
    predicted = replace(recording.occupancies[truth.stamp_ns], observed=truth.occupancy.observed)
    columns = [Column(f'truth, where a camera observes it: {len(truth.boxes)} boxes',
                      truth.occupancy, truth.boxes),
               Column(f'prediction, in the same cells: {score}, {len(boxes or ())} boxes',
                      predicted, boxes)]
    draw_sheet(folder / 'occupancy.png', f'{TITLE}   (images: true boxes)', frame,
               Overlay(truth.boxes), columns, notice)


def write_rerun(folder: Path, rig: CameraRig, recording: Recording, notice: str) -> None:
    """
    Write demo.rrd: images of every set with a result, the results, and the truth.

    :param folder: Output folder of the demo, with the drive.
    :param notice: Warning to show; empty for none.
    """
    wanted = set(recording.occupancies)
    with (replacing(folder / 'demo.rrd', UsageError) as place,
          RerunRecording(place, rig, notice) as rerun):
        with BagReader(folder / 'drive') as bag:
            images = [topic for topic in bag.topics if IMAGE_TOPIC.fullmatch(topic)]
            for message in bag.messages(images):
                name = IMAGE_TOPIC.fullmatch(message.topic)['name']
                if message.stamp_ns - NUSCENES_OFFSETS_NS.get(name, 0) in wanted:
                    rerun.log_image(name, message.stamp_ns, bytes(bag.decode(message).data))
        for occupancy in recording.occupancies.values():
            rerun.log_occupancy('prediction', occupancy)
        for boxes in recording.boxes.values():
            rerun.log_boxes('prediction', boxes)
        for truth in load_truth(folder / 'drive' / TRUTH_FILE):
            rerun.log_occupancy('truth', truth.occupancy)
            rerun.log_boxes('truth', truth.boxes)
        for stamp_ns, arrival_ns in recording.received_ns.items():
            rerun.log_numbers(stamp_ns, {'latency_ms': (arrival_ns - stamp_ns) / 1e6})
