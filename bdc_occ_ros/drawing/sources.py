# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Finds in a bag or a snapshot what a sheet shows."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bdc_occ_ros.bags import TRUTH_FILE
from bdc_occ_ros.bags.bag_frames import bag_topics, IMAGE_TOPIC, RigBag
from bdc_occ_ros.bags.recording import load_recording
from bdc_occ_ros.bags.snapshot import load_snapshot
from bdc_occ_ros.bags.truth_file import load_truth
from bdc_occ_ros.datatypes import Frame
from bdc_occ_ros.drawing.sheet import Column, Overlay
from bdc_occ_ros.errors import InvalidBagError


@dataclass(frozen=True, eq=False)
class Source:
    """
    What to draw.

    :param title: Where it is from.
    :param stamp_ns: Exposure of the key camera.
    :param frame: The images, or None.
    :param columns: The grids; none where nobody knows any.
    :param overlay: What is drawn into the images.
    """

    title: str
    stamp_ns: int
    frame: Frame | None
    columns: tuple[Column, ...]
    overlay: Overlay = Overlay()


def source_of_snapshot(path: Path) -> Source:
    """
    Return what a snapshot of the node holds.

    :raises InvalidSnapshotError: if it is no snapshot.
    """
    saved = load_snapshot(path)
    return Source(f'snapshot {path.name}', saved.frame.stamp_ns, saved.frame,
                  (Column('prediction', saved.occupancy, saved.boxes),), Overlay(saved.boxes))


def source_of_bag(path: Path, at_s: float | None) -> Source:
    """
    Return one moment of a bag.

    :param path: A bag with images, or one that recorded the node.
    :param at_s: Seconds after the first set; the middle if None.
    :raises InvalidBagError: if it can not be read or holds neither.
    """
    if any(IMAGE_TOPIC.fullmatch(topic) for topic in bag_topics(path)):
        return _of_images(path, at_s)
    recording = load_recording(path)
    stamps = sorted({*recording.occupancies, *recording.boxes})
    if not stamps:
        raise InvalidBagError(f'{path} holds neither images nor results of the node')
    stamp_ns = nearest(stamps, at_s)
    return Source(f'recording {path.name} at {stamp_ns / 1e9:.3f} s', stamp_ns, None,
                  (Column('prediction', recording.occupancies.get(stamp_ns),
                          recording.boxes.get(stamp_ns)),))


def _of_images(path: Path, at_s: float | None) -> Source:
    """Return the truth, or where there is none the bare images."""
    bag = RigBag(path)
    file = path / TRUTH_FILE
    truths = {truth.stamp_ns: truth for truth in load_truth(file)} if file.is_file() else {}
    known = sorted(set(truths) & set(bag.key_stamps_ns())) or bag.key_stamps_ns()
    if not known:
        raise InvalidBagError(f'{path} has no image of the key camera {bag.rig.key_camera}')
    stamp_ns = nearest(known, at_s)
    frame = next(iter(bag.frames({stamp_ns})))
    truth = truths.get(stamp_ns)
    title = f'bag {path.name} at {stamp_ns / 1e9:.3f} s'
    if truth is None:
        return Source(f'{title}, without truth', stamp_ns, frame, ())
    caption = 'truth'
    if truth.occupancy is None:
        caption = 'boxes of the annotators; nobody labelled the cells'
    return Source(title, stamp_ns, frame, (Column(caption, truth.occupancy, truth.boxes),),
                  Overlay(truth.boxes))


def nearest(stamps_ns: Sequence[int], at_s: float | None) -> int:
    """
    Return the stamp closest to a time after the first.

    :param stamps_ns: Rising, at least one.
    :param at_s: Seconds after the first; the middle one if None.
    """
    if at_s is None:
        return stamps_ns[len(stamps_ns) // 2]
    return min(stamps_ns, key=lambda stamp: abs(stamp - stamps_ns[0] - round(at_s * 1e9)))
