# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Which of the packages that we are measured beside are installed."""

from collections.abc import Sequence
from importlib.util import find_spec
import sys

CURE = 'python -m pip install "bdc_occ_ros[bench]"'


def has_packages(what: str, packages: Sequence[str]) -> bool:
    """Return whether packages are installed, and say on standard error if not."""
    missing = [name for name in packages if find_spec(name) is None]
    if missing:
        print(f'without {what}: {" and ".join(missing)} not installed; {CURE}', file=sys.stderr)
    return not missing
