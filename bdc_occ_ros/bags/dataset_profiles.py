# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Which config/dataset_<name>.yaml fits a set of topics.

The one fits whose every camera has an image topic among them. dataset_custom.yaml is a template
and never chosen. Of two converters that name their topics alike that one is taken which groups
images by arrival if they have no stamps, or by stamps if they have; then the first by name.
"""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bdc_occ_ros.config_file import read_yaml
from bdc_occ_ros.errors import InvalidConfigError, NoDatasetError
from bdc_occ_ros.share import share_path

PREFIX = 'dataset_'
TEMPLATE = 'custom'


@dataclass(frozen=True)
class DatasetMatch:
    """
    The profile that fits.

    :param reason: Why, in a sentence.
    """

    name: str
    reason: str


def dataset_files() -> dict[str, Path]:
    """Return the installed profiles by name, in the order of their names."""
    files = share_path('config', 'occ.yaml').parent.glob(f'{PREFIX}*.yaml')
    return {path.stem.removeprefix(PREFIX): path for path in sorted(files)}


def match_dataset(topics: Collection[str], has_stamps: bool = True) -> DatasetMatch:
    """
    Choose the profile that fits.

    :param topics: Names of topics, absolute.
    :param has_stamps: Whether images say when they were taken, as far as that is known.
    :raises NoDatasetError: if none fits; the message says what the nearest one lacks.
    """
    profiles = {name: _parameters(path) for name, path in dataset_files().items()
                if name != TEMPLATE}
    missing = {name: _missing_cameras(profile, topics) for name, profile in profiles.items()}
    fitting = sorted((name for name, cameras in missing.items() if not cameras),
                     key=lambda name: _groups_by_stamps(profiles[name]) != has_stamps)
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
        'your topics, and give it as params_file')


def _parameters(path: Path) -> dict[str, Any]:
    """Return the parameters of a profile."""
    try:
        return read_yaml(path)['/**']['ros__parameters']
    except (KeyError, TypeError) as error:
        raise InvalidConfigError(f'{path}: /** with ros__parameters is needed') from error


def _groups_by_stamps(parameters: dict[str, Any]) -> bool:
    """Return whether a profile groups images by their stamps instead of by their arrival."""
    return parameters.get('sync', {}).get('mode') != 'window'


def _missing_cameras(parameters: dict[str, Any], topics: Collection[str]) -> list[str]:
    """Return the cameras of a profile none of whose image topics are there."""
    absolute = {f'/{topic.lstrip("/")}' for topic in topics}

    def has_images(camera: str) -> bool:
        entry = parameters['camera'][camera]
        return any(f'/{entry[key].lstrip("/")}' in absolute
                   for key in ('image', 'compressed') if entry.get(key))

    return [camera for camera in parameters['cameras'] if not has_images(camera)]
