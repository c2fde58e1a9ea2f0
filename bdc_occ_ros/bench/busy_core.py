# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""One core's worth of other work, as the node's own decoding of images makes it."""

from collections.abc import Iterator
from contextlib import contextmanager
import subprocess
import sys

# it ends by itself where we are killed and cannot end it
PROGRAM = '''
import os
parent = os.getppid()
while os.getppid() == parent:
    sum(range(100000))
'''


@contextmanager
def one_core_busy() -> Iterator[None]:
    """Keep a process that only counts running while the body runs."""
    process = subprocess.Popen([sys.executable, '-c', PROGRAM])
    try:
        yield
    finally:
        process.kill()
        process.wait()
