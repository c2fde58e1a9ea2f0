# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Load the content of a sheet from a bag, a snapshot or a sample of a data set."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from bdc_occ_ros.bags import TRUTH_FILE
from bdc_occ_ros.bags.bag_frames import IMAGE_TOPIC, RigBag
from bdc_occ_ros.bags.bag_reader import BagReader
from bdc_occ_ros.bags.recording import load_recording
from bdc_occ_ros.bags.snapshot import load_snapshot
from bdc_occ_ros.bags.truth_file import load_truth
from bdc_occ_ros.dataset.nuscenes_dataset import NuscenesDataset, SampleKey
from bdc_occ_ros.dataset.taxonomy import LIDAR
from bdc_occ_ros.datatypes import Frame
from bdc_occ_ros.drawing.sheet import Column, Overlay
from bdc_occ_ros.errors import InvalidBagError, UsageError


class Source(NamedTuple):
    """Hold the content of a sheet and the stamp of its key camera's exposure."""

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
    with BagReader(path) as bag:
        has_images = any(IMAGE_TOPIC.fullmatch(topic) for topic in bag.topics)
    if has_images:
        return _of_images(path, at_s)
    recording = load_recording(path)
    stamps = sorted({*recording.occupancies, *recording.boxes})
    if not stamps:
        raise InvalidBagError(f'{path} holds neither images nor results of the node')
    stamp_ns = _nearest(stamps, at_s)
    return Source(f'recording {path.name} at {stamp_ns / 1e9:.3f} s', stamp_ns, None,
                  (Column('prediction', recording.occupancies.get(stamp_ns),
                          recording.boxes.get(stamp_ns)),))


def _of_images(path: Path, at_s: float | None) -> Source:
    """Return the truth, or where there is none the bare images."""
    bag, file = RigBag(path), path / TRUTH_FILE
    truths = {truth.stamp_ns: truth for truth in load_truth(file)} if file.is_file() else {}
    known = sorted(set(truths) & set(bag.key_stamps_ns())) or bag.key_stamps_ns()
    if not known:
        raise InvalidBagError(f'{path} has no image of the key camera {bag.rig.key_camera}')
    stamp_ns = _nearest(known, at_s)
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


def choose_sample(dataset: NuscenesDataset, token: str | None, scene: str | None,
                  at_s: float | None) -> SampleKey:
    """
    Return one sample.

    :param token: Its key, or the beginning of it; None to go by scene and time.
    :param scene: Name of its scene; the first if None.
    :param at_s: Seconds after the first sample of the scene; the middle if None.
    :raises UsageError: if there is no such sample, or more than one.
    """
    if token is not None:
        keys = [key for key in dataset.keys if key.token.startswith(token)]
        if len(keys) != 1:
            raise UsageError(f'{dataset.dataroot}: {len(keys)} samples have a token that begins '
                             f'with {token!r}; one is needed')
        return keys[0]
    keys = [key for key in dataset.keys if key.scene_name == (scene or dataset.keys[0].scene_name)]
    if not keys:
        names = sorted({key.scene_name for key in dataset.keys})
        raise UsageError(f'{dataset.dataroot}: no scene {scene!r}; there are {names[:5]}')
    by_stamp = {dataset.key_exposure(key)[0]: key for key in keys}
    return by_stamp[_nearest(list(by_stamp), at_s)]


def source_of_sample(dataset: NuscenesDataset, key: SampleKey) -> Source:
    """
    Return what a data set knows about a sample; everything in the ego frame of its label.

    :raises InvalidDatasetError: if an image is missing.
    :raises InvalidImageError: if an image is damaged.
    :raises InvalidLabelError: if its label is damaged.
    """
    frame, boxes = dataset.frame(key), dataset.boxes(key, LIDAR)
    occupancy = dataset.occupancy(key, frame.stamp_ns)
    caption = 'boxes; nobody labelled the cells' if occupancy is None else (
        f'label: {int(occupancy.occupied.sum())} occupied cells that a camera observes, '
        f'{len(boxes)} boxes')
    return Source(f'{key.scene_name}, sample {key.token}', frame.stamp_ns, frame,
                  (Column(caption, occupancy, boxes),),
                  Overlay(boxes, occupancy, dataset.world_from_ego(key, LIDAR)))


def _nearest(stamps_ns: Sequence[int], at_s: float | None) -> int:
    """Return the rising stamp closest to a time after the first; the middle one if None."""
    if at_s is None:
        return stamps_ns[len(stamps_ns) // 2]
    return min(stamps_ns, key=lambda stamp: abs(stamp - stamps_ns[0] - round(at_s * 1e9)))
