# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Name the semantic classes of the occupancy grid and of the boxes.

Order and names are those of Occ3D-nuScenes (0 to 17) and of the nuScenes detection task; the
colours are the project's own choice for display.
"""

OCCUPANCY_CLASS_NAMES = (
    'others', 'barrier', 'bicycle', 'bus', 'car', 'construction_vehicle', 'motorcycle',
    'pedestrian', 'traffic_cone', 'trailer', 'truck', 'driveable_surface', 'other_flat',
    'sidewalk', 'terrain', 'manmade', 'vegetation', 'free',
)
FREE_LABEL = 17
GROUND_LABELS = (11, 12, 13, 14)

DETECTION_CLASS_NAMES = (
    'car', 'truck', 'construction_vehicle', 'bus', 'trailer', 'barrier', 'motorcycle',
    'bicycle', 'pedestrian', 'traffic_cone',
)

OCCUPANCY_COLORS_RGB = (
    (128, 128, 128), (255, 120, 50), (255, 64, 160), (255, 214, 0), (0, 140, 255),
    (0, 200, 200), (200, 120, 0), (255, 0, 0), (255, 170, 130), (140, 70, 10),
    (150, 40, 230), (190, 70, 190), (145, 25, 60), (90, 20, 100), (150, 220, 90),
    (215, 215, 210), (20, 150, 40), (255, 255, 255),
)
DETECTION_COLORS_RGB = tuple(
    OCCUPANCY_COLORS_RGB[OCCUPANCY_CLASS_NAMES.index(name)] for name in DETECTION_CLASS_NAMES)
