# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""YAML: networks, recipes, sweeps, rigs, profiles of bags, and parameters of the node."""

from unittest.mock import patch

from damage import as_yaml, edited
from fuzzing import Target
import yaml

from bdc_occ_ros.bags import dataset_profiles
from bdc_occ_ros.config_file import parse_dataclass, read_yaml
from bdc_occ_ros.geometry.calibration_file import load_calibration
from bdc_occ_ros.network.config import load_network_config
from bdc_occ_ros.network.network import validate_architecture
from bdc_occ_ros.ros.node_config import NodeConfig
from bdc_occ_ros.ros.parameters import config_from_values, config_values
from bdc_occ_ros.share import share_path
from bdc_occ_ros.training.recipe import Recipe
from bdc_occ_ros.training.sweep import load_sweep, planned

SEEDS = {'calibration_nuscenes_n015.yaml': load_calibration,
         'training_cpu.yaml': lambda path: parse_dataclass(Recipe, read_yaml(path), str(path)),
         'sweep_nano.yaml': lambda path: list(planned(load_sweep(path))),
         'model_bdc_occ_nano.yaml': lambda path: validate_architecture(load_network_config(path)),
         'model_bdc_occ_t.yaml': lambda path: validate_architecture(load_network_config(path)),
         'dataset_nuscenes.yaml': lambda path: match_profile(path)}


def match_profile(path):
    """Look whether a bag fits a profile."""
    with patch.object(dataset_profiles, 'dataset_files', lambda: {'made': path}):
        dataset_profiles.match_dataset({'/cam_front/raw', '/tf', '/camera/CAM_FRONT/image'})


def prepare(folder):
    """Return the documents that come with the package, and how each is read."""
    return [(yaml.safe_load(share_path('config', name).read_text()), read)
            for name, read in SEEDS.items()]


def attempt(rng, seeds, folder):
    """Damage one document, or the values of the parameters, and read it."""
    if rng.random() < 0.15:
        values = {name: list(value) if isinstance(value, tuple) else value
                  for name, value in config_values(NodeConfig()).items()}
        changed = edited(rng, values)
        config_from_values(changed if isinstance(changed, dict) else values)
        return
    document, read = rng.choice(seeds)
    path = folder / 'damaged.yaml'
    path.write_bytes(as_yaml(rng, document))
    read(path)


TARGET = Target(prepare, attempt, cases=200)
