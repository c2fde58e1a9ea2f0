# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A module of this package that runs in a process of its own and answers line by line."""

from collections.abc import Mapping
from contextlib import suppress
import os
import subprocess
import sys

from bdc_occ_ros.errors import MeasurementError


class AskedProcess:
    """
    The process; close it when done.

    :param module: What to run with python -m.
    :param variables: Environment variables beside ours.
    """

    def __init__(self, module: str, argument: str, variables: Mapping[str, str]) -> None:
        self._module = module
        self._process = subprocess.Popen(
            [sys.executable, '-m', module, argument], env={**os.environ, **variables}, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, request: str) -> str:
        """
        Send a line and wait for a line.

        :return: The answer.
        :raises MeasurementError: if the process ended instead; it said why on standard error.
        """
        with suppress(BrokenPipeError):  # it has ended: the answer is empty
            self._process.stdin.write(request + '\n')
            self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise MeasurementError(f'{self._module} ended with exit status '
                                   f'{self._process.wait()}; its message stands above')
        return answer

    def close(self) -> None:
        """End the process; it may be at work."""
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()
        with suppress(BrokenPipeError):
            self._process.stdin.close()
