# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Choose the config/dataset_<name>.yaml that fits a set of topics.

The one fits whose every camera has an image topic among them. dataset_custom.yaml is a template
and never chosen. Of two converters that name their topics alike that one is taken which groups
images by arrival if they have no stamps, or by stamps if they have; then the first by name.
"""

from collections.abc import Collection
import os
from pathlib import Path
from typing import Any, NamedTuple

from bdc_occ_ros.config_file import read_yaml
from bdc_occ_ros.errors import InvalidConfigError, NoDatasetError
from bdc_occ_ros.files import reading
from bdc_occ_ros.share import share_path

PREFIX = 'dataset_'
TEMPLATE = 'custom'


class DatasetMatch(NamedTuple):
    """Hold the profile that fits and one sentence that says why."""

    name: str
    reason: str


def dataset_files() -> dict[str, Path]:
    """Return the installed profiles by name, in the order of their names."""
    files = share_path('config', 'occ.yaml').parent.glob(f'{PREFIX}*.yaml')
    return {path.stem.removeprefix(PREFIX): path for path in sorted(files)}


def parameter_files(dataset: str, params_file: str = '') -> list[Path]:
    """
    Return the parameter files of a rig, of which later ones override.

    :param dataset: Name of a profile, or the path of a file like one.
    :param params_file: File over it, or empty; it takes the place of the profile if it lists
        cameras, since those of the profile could not be taken away again.
    :raises InvalidConfigError: if there is no such profile or file.
    """
    profiles = dataset_files()
    profile, own = profiles.get(dataset, Path(dataset)), Path(params_file)
    if not os.path.isfile(profile):
        raise InvalidConfigError(
            f'no dataset {dataset!r}: give the path of a file, or one of {", ".join(profiles)}')
    if not params_file:
        return [profile]
    if not os.path.isfile(own):
        raise InvalidConfigError(f'no params_file {params_file}: there is no such file')
    return [own] if 'cameras' in _parameters(own) else [profile, own]


def match_dataset(topics: Collection[str], has_stamps: bool = True) -> DatasetMatch:
    """
    Choose the profile that fits.

    :param topics: Names of topics, absolute.
    :param has_stamps: Whether images say when they were taken, as far as that is known.
    :raises NoDatasetError: if none fits; the message says what the nearest one lacks.
    """
    missing, groups_by_stamps = {}, {}
    for name, path in dataset_files().items():
        if name == TEMPLATE:
            continue
        with reading(path, InvalidConfigError):
            profile = _parameters(path)
            missing[name] = _missing_cameras(profile, topics)
            groups_by_stamps[name] = profile.get('sync', {}).get('mode') != 'window'
    fitting = sorted((name for name, cameras in missing.items() if not cameras),
                     key=lambda name: groups_by_stamps[name] != has_stamps)
    if fitting:
        stamps = '' if has_stamps else ', without stamps'
        others = f'; so would {", ".join(fitting[1:])}' if fitting[1:] else ''
        return DatasetMatch(fitting[0], f'every camera of dataset_{fitting[0]}.yaml has its '
                                        f'images here{stamps}{others}')
    nearest = min(missing, key=lambda name: len(missing[name]))
    images = sorted(topic for topic in topics if 'image' in topic or topic.endswith('/raw'))
    raise NoDatasetError(
        f'no profile fits the topics; {nearest} is nearest, but lacks images of '
        f'{missing[nearest]}. Image topics are {images}. Copy dataset_{TEMPLATE}.yaml, fill in '
        'your topics, and give its path as dataset')


def _parameters(path: Path) -> dict[str, Any]:
    """Return what a file sets, whichever name of the node it is for."""
    with reading(path, InvalidConfigError, '/** with ros__parameters is needed'):
        return {name: value for node in read_yaml(path).values()
                for name, value in node['ros__parameters'].items()}


def _missing_cameras(parameters: dict[str, Any], topics: Collection[str]) -> list[str]:
    """Return the cameras of a profile none of whose image topics are there."""
    absolute = {f'/{topic.lstrip("/")}' for topic in topics}

    def has_images(camera: str) -> bool:
        entry = parameters['camera'][camera]
        return any(f'/{entry[key].lstrip("/")}' in absolute
                   for key in ('image', 'compressed') if entry.get(key))

    return [camera for camera in parameters['cameras'] if not has_images(camera)]
