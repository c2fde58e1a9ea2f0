# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Tables, images, sweeps and splits of a nuScenes data set."""

import json

import cv2
from damage import as_json, damaged
from fuzzing import Target
from made_scenes import VERSION, write_dataroot
import numpy as np

from bdc_occ_ros.dataset.check.check_dataset import check_dataset
from bdc_occ_ros.dataset.nuscenes_dataset import NuscenesDataset
from bdc_occ_ros.dataset.scene_readings import read_scene
from bdc_occ_ros.geometry.calibration_file import load_calibration
from bdc_occ_ros.share import share_path


def prepare(folder):
    """Write a data set; return its folder, its files and the contents of its tables."""
    rig = load_calibration(share_path('config', 'calibration_nuscenes_n015.yaml'))
    root = folder / 'made'
    write_dataroot(root, rig.resized(160, 90))
    tables = {path: json.loads(path.read_bytes())
              for path in sorted((root / VERSION).glob('*.json'))}
    return root, tables, sorted(path for path in (root / 'samples').rglob('*') if path.is_file())


def damaged_image(rng, data):
    """Return a picture that claims another size, or is damaged or something else."""
    what = rng.random()
    place = data.find(b'\xff\xc0')
    if what < 0.3 and place > 0:
        size = rng.choice((b'\xff\xff\xff\xff', b'\0\0\0\0', b'\x7d\0\x7d\0', b'\0\1\xea\x60'))
        return data[:place + 5] + size + data[place + 9:]
    if what < 0.5:
        shape = rng.choice(((1, 1), (1, 6000), (6000, 1), (90, 160, 1), (90, 160, 4), (91, 160)))
        return cv2.imencode('.png', np.zeros(shape, np.uint8))[1].tobytes()
    return damaged(rng, data)


def attempt(rng, seeds, folder):
    """Damage one file, check the data set, and read it as training and bags do."""
    root, tables, files = seeds
    if rng.random() < 0.75:
        path = rng.choice([path for path, rows in tables.items() if rows])
        sound = path.read_bytes()
        data = as_json(rng, tables[path])
    else:
        path = rng.choice(files)
        sound = path.read_bytes()
        data = (damaged_image if path.suffix == '.jpg' else damaged)(rng, sound)
    path.write_bytes(data)
    try:
        check_dataset(root, VERSION, None, samples=1)
        dataset = NuscenesDataset(root, VERSION, rng.choice((None, 'learn')))
        for key in dataset.keys[:4]:
            dataset.frame(key), dataset.boxes(key), dataset.lidar_points_m(key)
            dataset.lidar_origins_m(key), dataset.key_ego_from_label_ego(key)
        read_scene(dataset, dataset.keys[0].scene_name)
    finally:
        path.write_bytes(sound)


TARGET = Target(prepare, attempt, cases=40)
