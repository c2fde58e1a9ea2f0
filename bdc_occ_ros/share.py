# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Find the package's data files: config, launch, models and message definitions.

A source tree (an editable or symlinked install) holds them beside the package; an installed
package holds them in share/bdc_occ_ros of the prefix it was installed to, be that a virtual
environment, a colcon workspace or the system. No environment variable is needed to tell.
"""

from pathlib import Path

from bdc_occ_ros.errors import UsageError

_PACKAGE_FOLDER = Path(__file__).resolve().parent


def share_folder() -> Path:
    """
    Return the folder that holds config, launch, models and resource.

    :raises UsageError: if the package was copied somewhere without its data files.
    """
    source_tree = _PACKAGE_FOLDER.parent
    if (source_tree / 'package.xml').is_file() and (source_tree / 'config').is_dir():
        return source_tree
    for prefix in _PACKAGE_FOLDER.parents:
        candidate = prefix / 'share' / 'bdc_occ_ros'
        if (candidate / 'config').is_dir():
            return candidate
    raise UsageError(
        f'the data files of bdc_occ_ros are in no share folder above {_PACKAGE_FOLDER}; install '
        'the package with colcon build or pip install')


def share_path(*parts: str) -> Path:
    """
    Return the path of one data file from its parts, such as 'config' and 'occ.yaml'.

    :raises UsageError: if the file does not exist.
    """
    path = share_folder().joinpath(*parts)
    if not path.exists():
        beside = sorted(p.name for p in path.parent.glob('*')) if path.parent.is_dir() else []
        raise UsageError(f'{path} does not exist; beside it are {beside}')
    return path
