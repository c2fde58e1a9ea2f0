# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Find Python.h, or fetch it for the Python of Debian and Ubuntu, which come without.

Their headers are a package of their own; it is unpacked into a folder of the build, so that
neither root nor an installed python3-dev is needed.
"""

from pathlib import Path
import subprocess
import sys
import sysconfig

from bdc_occ_ros.errors import MissingDependencyError


def python_include_folders(work: Path) -> list[Path]:
    """
    Return the folders that a compiler has to search for Python.h and what it includes.

    :param work: Folder for headers that have to be fetched.
    :raises MissingDependencyError: if there are none and they cannot be fetched.
    """
    include = Path(sysconfig.get_paths()['include'])
    if (include / 'Python.h').is_file():
        return [include]
    version = f'{sys.version_info.major}.{sys.version_info.minor}'
    package = f'libpython{version}-dev'
    if sys.base_prefix != '/usr':
        raise MissingDependencyError(
            f'{sys.executable} has no {include}/Python.h; use a Python that came with its headers')
    work.mkdir(parents=True, exist_ok=True)
    try:
        subprocess.run(['apt-get', 'download', '-q', package], cwd=work, check=True)
        archive = next(work.glob(f'{package}_*.deb'))
        subprocess.run(['dpkg-deb', '-x', archive, work], check=True)
    except (OSError, StopIteration, subprocess.CalledProcessError) as error:
        raise MissingDependencyError(
            f'no {include}/Python.h, and the package {package} cannot be fetched ({error}); run '
            'apt-get update, or install python3-dev') from error
    return [work / 'usr/include' / f'python{version}', work / 'usr/include']
