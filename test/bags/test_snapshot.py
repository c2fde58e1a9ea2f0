# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A snapshot gives back what went in, and refuses files that are not one."""

import json

import numpy as np
import pytest

from bdc_occ_ros.bags.snapshot import load_snapshot, save_snapshot
from bdc_occ_ros.datatypes import Boxes, Frame, Occupancy
from bdc_occ_ros.errors import InvalidSnapshotError
from bdc_occ_ros.geometry.camera_rig import Camera, CameraRig
from bdc_occ_ros.geometry.voxel_grid import VoxelGrid

STAMP_NS = 1_532_402_927_604_844_000


def make_frame(seed: int = 3) -> Frame:
    random = np.random.default_rng(seed)
    mount = np.eye(4)
    mount[:3, 3] = (1.5, 0.2, 1.6)
    cameras = tuple(
        Camera(name, 64, 48, np.array([[50, 0, 32], [0, 51, 24], [0, 0, 1.0]]), mount,
               'plumb_bob', np.array([0.1, -0.05, 1e-3, 2e-3, 0.0]))
        for name in ('left', 'right', 'rear'))
    names = ('left', 'rear')
    return Frame(
        images={name: random.integers(0, 256, (48, 64, 3), dtype=np.uint8) for name in names},
        stamps_ns={name: STAMP_NS + 7 * i for i, name in enumerate(names)},
        rig=CameraRig(cameras, 'left'), stamp_ns=STAMP_NS,
        fixed_from_ego={name: np.eye(4) for name in names})


def make_occupancy(seed: int = 4) -> Occupancy:
    random = np.random.default_rng(seed)
    grid = VoxelGrid((-2.0, -2.0, -1.0), (0.5, 0.5, 0.5), (8, 8, 4))
    return Occupancy(grid, random.integers(0, 3, grid.shape).astype(np.uint8),
                     random.random(grid.shape) > 0.5, ('car', 'road', 'free'), 2, STAMP_NS,
                     random.random(grid.shape).astype(np.float32))


def make_boxes() -> Boxes:
    return Boxes(np.array([[1, 2, 0.5]]), np.array([[4, 2, 1.5]]), np.array([0.3]),
                 np.array([[np.nan, np.nan]]), np.array([0.9]), np.array([0]), ('car',), STAMP_NS)


def assert_same_fields(got, expected, names):
    for name in names:
        np.testing.assert_array_equal(getattr(got, name), getattr(expected, name), err_msg=name)


def test_everything_comes_back(tmp_path):
    frame, occupancy, boxes = make_frame(), make_occupancy(), make_boxes()
    save_snapshot(tmp_path / 'a.npz', frame, occupancy, boxes)
    snapshot = load_snapshot(tmp_path / 'a.npz')
    assert snapshot.frame.rig.fingerprint == frame.rig.fingerprint
    assert dict(snapshot.frame.stamps_ns) == dict(frame.stamps_ns)
    assert snapshot.frame.stamp_ns == STAMP_NS and snapshot.frame.missing == ('right',)
    for name, image in frame.images.items():
        np.testing.assert_array_equal(snapshot.frame.images[name], image)
        np.testing.assert_array_equal(snapshot.frame.fixed_from_ego[name], np.eye(4))
    assert snapshot.occupancy.grid == occupancy.grid
    assert_same_fields(snapshot.occupancy, occupancy,
                       ('labels', 'observed', 'confidence', 'class_names', 'free_label'))
    assert_same_fields(snapshot.boxes, boxes, (
        'centers_m', 'sizes_m', 'yaws_rad', 'velocities_mps', 'scores', 'labels', 'class_names'))
    assert [path.name for path in tmp_path.iterdir()] == ['a.npz']


def test_what_is_none_stays_none(tmp_path):
    frame = make_frame()
    still = Frame(frame.images, frame.stamps_ns, frame.rig, frame.stamp_ns)
    save_snapshot(tmp_path / 'a.npz', still, None, None)
    snapshot = load_snapshot(tmp_path / 'a.npz')
    assert snapshot.frame.fixed_from_ego is None
    assert snapshot.occupancy is None and snapshot.boxes is None


def test_pickled_objects_are_refused(tmp_path):
    np.savez(tmp_path / 'a.npz', manifest=np.array({'format': 'object'}, dtype=object))
    with pytest.raises(InvalidSnapshotError, match='pickle'):
        load_snapshot(tmp_path / 'a.npz')


@pytest.mark.parametrize('content', [b'', b'text', b'PK\x03\x04 damaged'])
def test_other_files_are_refused(tmp_path, content):
    (tmp_path / 'a.npz').write_bytes(content)
    with pytest.raises(InvalidSnapshotError, match='a.npz: damaged .*; give a snapshot'):
        load_snapshot(tmp_path / 'a.npz')


@pytest.mark.parametrize('manifest', [[], {}, {'format': 'bdc_occ_ros snapshot 1'}])
def test_archives_without_a_frame_are_refused(tmp_path, manifest):
    np.savez(tmp_path / 'a.npz', manifest=np.array(json.dumps(manifest)))
    with pytest.raises(InvalidSnapshotError):
        load_snapshot(tmp_path / 'a.npz')


def test_truncated_snapshot_is_refused(tmp_path):
    save_snapshot(tmp_path / 'a.npz', make_frame(), make_occupancy(), make_boxes())
    content = (tmp_path / 'a.npz').read_bytes()
    (tmp_path / 'a.npz').write_bytes(content[:len(content) // 2])
    with pytest.raises(InvalidSnapshotError):
        load_snapshot(tmp_path / 'a.npz')
