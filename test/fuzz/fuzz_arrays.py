# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Files of arrays: snapshots, the truth beside a bag, and labels of occupancy."""

import json

from damage import as_json, as_npz
from fuzzing import Target
import numpy as np

from bdc_occ_ros.bags.snapshot import load_snapshot, save_snapshot
from bdc_occ_ros.bags.truth_file import load_truth, save_truth, Truth
from bdc_occ_ros.classes import FREE_LABEL, OCCUPANCY_CLASS_NAMES
from bdc_occ_ros.dataset.occ3d_label import load_label, Occ3dLabel, save_label, SHAPE
from bdc_occ_ros.datatypes import Boxes, Frame, Occupancy
from bdc_occ_ros.geometry.camera_rig import Camera, CameraRig
from bdc_occ_ros.geometry.voxel_grid import VoxelGrid

STAMP_NS = 1_532_402_927_604_844_000


def made_boxes():
    return Boxes(np.array([[1, 2, 0.5]]), np.array([[4, 2, 1.5]]), np.array([0.3]),
                 np.array([[np.nan, np.nan]]), np.array([0.9]), np.array([0]), ('car',), STAMP_NS)


def save_made_snapshot(path):
    camera = Camera('left', 64, 48, np.array([[50, 0, 32], [0, 51, 24], [0, 0, 1.0]]), np.eye(4),
                    'plumb_bob', np.array([0.1, -0.05, 1e-3, 2e-3, 0.0]))
    frame = Frame({'left': np.zeros((48, 64, 3), np.uint8)}, {'left': STAMP_NS},
                  CameraRig((camera,), 'left'), STAMP_NS, {'left': np.eye(4)})
    grid = VoxelGrid((-2.0, -2.0, -1.0), (0.5, 0.5, 0.5), (8, 8, 4))
    occupancy = Occupancy(grid, np.ones(grid.shape, np.uint8), np.ones(grid.shape, bool),
                          ('car', 'road', 'free'), 2, STAMP_NS,
                          np.full(grid.shape, 0.5, np.float32))
    save_snapshot(path, frame, occupancy, made_boxes())


def save_made_truth(path):
    grid = VoxelGrid()
    occupancy = Occupancy(grid, np.full(grid.shape, FREE_LABEL, np.uint8),
                          np.ones(grid.shape, bool), OCCUPANCY_CLASS_NAMES, FREE_LABEL, STAMP_NS)
    save_truth([Truth(STAMP_NS, occupancy, made_boxes()),
                Truth(STAMP_NS + 1, None, made_boxes())], path)


def save_made_label(path):
    save_label(path, Occ3dLabel(np.full(SHAPE, 17, np.uint8), np.zeros(SHAPE, bool),
                                np.ones(SHAPE, bool)))


KINDS = {load_snapshot: save_made_snapshot, load_truth: save_made_truth,
         load_label: save_made_label}


def prepare(folder):
    """Return the arrays of a file of each kind, and how it is read."""
    seeds, path = [], folder / 'seed.npz'
    for read, save in KINDS.items():
        save(path)
        with np.load(path) as arrays:
            seeds.append((dict(arrays), read))
    return seeds


def attempt(rng, seeds, folder):
    """Damage one file, or the manifest in it, and read it."""
    arrays, read = rng.choice([seeds[0], seeds[0], *seeds])
    path = folder / 'damaged.npz'
    if 'manifest' in arrays and rng.random() < 0.5:
        text = as_json(rng, json.loads(arrays['manifest'].item())).decode('utf-8', 'replace')
        with path.open('wb') as file:
            np.savez(file, **arrays | {'manifest': np.array(text)})
    else:
        path.write_bytes(as_npz(rng, arrays))
    read(path)


TARGET = Target(prepare, attempt, cases=120)
