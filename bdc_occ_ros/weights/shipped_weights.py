# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Trained weights that come with the package: models/<name>.safetensors belong to <name>."""

from pathlib import Path

from bdc_occ_ros.network.config import MODEL_NAMES
from bdc_occ_ros.share import share_folder
from bdc_occ_ros.weights.weights_file import SUFFIX

FOLDER = 'models'


def shipped_weights(name: str) -> Path | None:
    """
    Return the packed file that comes with the package for a network, None if there is none.

    :param name: Of a config that comes with the package; for anything else there is none.
    """
    path = share_folder() / FOLDER / f'{name}{SUFFIX}'
    return path if name in MODEL_NAMES and path.is_file() else None
