# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Recorded keyframes in all three forms."""

import json
import os

import cv2
from damage import as_json, damaged
from fuzzing import Target
import numpy as np

from bdc_occ_ros.bags.keyframe import load_keyframe
from bdc_occ_ros.dataset.taxonomy import CAMERAS

PLACE = ([1.5, 0.0, 1.6], [0.5, -0.5, 0.5, -0.5])
STAMP_US = 1_532_402_927_604_844


def camera_entry(name, number):
    return {'width': 64, 'height': 48, 'K': [[50, 0, 32], [0, 50, 24], [0, 0, 1]],
            'distortion': [0.0] * 5, 'translation_ego_cam': PLACE[0],
            'rotation_ego_cam_wxyz': PLACE[1], 'timestamp_us': STAMP_US + number,
            'file': f'{name}.jpg', 'ego_translation_global': [100.0, 50.0, 0.0],
            'ego_rotation_global_wxyz': [1.0, 0.0, 0.0, 0.0],
            'camera_translation_world': PLACE[0], 'camera_rotation_world_wxyz': PLACE[1]}


def prepare(folder):
    """Write a keyframe of each form; return its folder, its documents and the file of each."""
    cameras = {name: camera_entry(name, number) for number, name in enumerate(CAMERAS)}
    boxes = {'boxes': [{'class': 'car', 'box': [1, 2, 3, 4, 2, 1.5, 0.1, None, 0.0]}]}
    forms = {'nuscenes': {'nuscenes/calibration.json': {'cameras': cameras},
                          'nuscenes/boxes.json': boxes},
             'dgp': {'dgp/calibration.json': {'cameras': cameras,
                                              'samples': [{'cameras': cameras}]}},
             'images/one': {'images/index.json': {'samples': [
                                {'id': 'one', 'rig': 'n015', 'cameras': cameras}]},
                            'images/rigs.json': {'rigs': {'n015': {'cameras': cameras}}}}}
    jpeg = cv2.imencode('.jpg', np.zeros((48, 64, 3), np.uint8))[1].tobytes()
    for form, documents in forms.items():
        (folder / form).mkdir(parents=True)
        for file, document in documents.items():
            (folder / file).write_text(json.dumps(document))
        for name in CAMERAS:
            (folder / list(documents)[0]).with_name(f'{name}.jpg').write_bytes(jpeg)
    for form in forms:
        load_keyframe(folder / form)
    return forms


def attempt(rng, forms, folder):
    """Damage one document, or put something else in the place of a file, and read it."""
    form = rng.choice(sorted(forms))
    file = rng.choice(sorted(forms[form]))
    path = folder / file
    sound = json.dumps(forms[form][file]).encode()
    if rng.random() < 0.05:
        path = path.with_name(rng.choice((path.name, f'{CAMERAS[2]}.jpg')))
        sound = path.read_bytes()
        path.unlink()
        rng.choice((path.mkdir, lambda: os.mkfifo(path), lambda: path.symlink_to('/dev/zero'),
                    lambda: path.symlink_to(path), lambda: None))()
    elif rng.random() < 0.1:
        path.write_bytes(damaged(rng, sound))
    else:
        path.write_bytes(as_json(rng, forms[form][file]))
    try:
        load_keyframe(folder / form)
    finally:
        path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink(missing_ok=True)
        path.write_bytes(sound)


TARGET = Target(prepare, attempt, cases=200)
