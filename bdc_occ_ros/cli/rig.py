# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Say and draw what each camera of a rig contributes, before anybody drives.

A cell of occupancy/grid can be free where level ground is seen together with all above it up to
grid.max_height_m; the exit status is 1 if none can.
"""

import argparse
import json
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument('input', metavar='INPUT', help='calibration file; with --live the file or '
                        'name of a rig, as dataset:= takes it')
    parser.add_argument('--live', action='store_true', help='take camera_info and TF from a robot')
    parser.add_argument('--model', metavar='NAME', help="network (default: the node's)")
    parser.add_argument('-o', '--output', type=Path, metavar='PNG', help='picture to write')
    parser.add_argument('--json', action='store_true', help='print the result as JSON')


def run(args: argparse.Namespace) -> int:
    """Report on one rig."""
    from bdc_occ_ros.geometry.calibration_file import load_calibration
    from bdc_occ_ros.geometry.rig_coverage import camera_coverage, oddities
    from bdc_occ_ros.geometry.rig_geometry import GeometryCache
    from bdc_occ_ros.network.config import load_network_config
    from bdc_occ_ros.ros.node_config import NodeConfig

    if args.live:
        from bdc_occ_ros.ros.dataset_choice import live_rig
        rig, config, odd = live_rig(args.input)
    else:
        rig, config, odd = load_calibration(args.input), NodeConfig(), []
    network = load_network_config(args.model or config.model.name)
    grid, height_m = network.voxel_grid(), config.grid.max_height_m
    geometry = GeometryCache(network.frustum).of(rig, rig.names)
    coverages = [camera_coverage(camera, grid, height_m) for camera in geometry.fields_of_view]
    free = grid.free_columns(geometry.observed_cells(grid), height_m)
    odd += oddities(coverages, grid, free)
    if args.output:
        from bdc_occ_ros.drawing.rig_picture import draw_rig
        draw_rig(args.output, coverages, grid, free)
    result = {'input_rows': geometry.rays.frustum.image.height_px, 'free_cells': int(free.sum()),
              'cameras': {seen.name: seen.numbers for seen in coverages}, 'odd': odd}
    print(json.dumps(result) if args.json else '\n'.join([
        f'network input of {result["input_rows"]} rows, {free.sum()} cells can be free', *odd,
        *(f'{name}: ' + ', '.join(f'{key} {value}' for key, value in numbers.items())
          for name, numbers in result['cameras'].items())]))
    return 0 if free.any() else 1
