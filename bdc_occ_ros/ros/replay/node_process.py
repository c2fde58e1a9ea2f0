# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The node as a process of its own, with its log in a file."""

from collections.abc import Callable, Mapping, Sequence
import os
from pathlib import Path
import signal
import subprocess
import sys
import time
from types import TracebackType

from bdc_occ_ros.errors import NodeFailedError

STOP_TIMEOUT_S = 10.0
POLL_S = 0.1
TAIL_LINES = 15


class NodeProcess:
    """
    A running node; use it in a with statement.

    :param parameter_files: Given to the node in this order, later ones override.
    :param parameters: Single parameters over the files.
    :param log: File for what the node prints.
    :param environment: Variables over those of this process.
    """

    def __init__(self, parameter_files: Sequence[Path], parameters: Mapping[str, str], log: Path,
                 environment: Mapping[str, str] | None = None) -> None:
        self.log = log
        arguments = ['--ros-args']
        for file in parameter_files:
            arguments += ['--params-file', str(file)]
        for name, value in parameters.items():
            arguments += ['-p', f'{name}:={value}']
        with log.open('wb') as output:
            self._process = subprocess.Popen(
                [sys.executable, '-m', 'bdc_occ_ros.ros.node', *arguments],
                stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                env=os.environ | dict(environment or {}), start_new_session=True)

    def __enter__(self) -> 'NodeProcess':
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.stop()

    def check(self) -> None:
        """
        Make sure that the node still runs.

        :raises NodeFailedError: if it ended; the message has the end of its log.
        """
        status = self._process.poll()
        if status is not None:
            raise NodeFailedError(f'the node ended with status {status}: {self.log_tail()}')

    def wait_for(self, condition: Callable[[], bool], what: str, timeout_s: float) -> None:
        """
        Wait until something holds while the node runs.

        :param condition: Tells whether it holds; may raise NodeFailedError.
        :param what: What is waited for, for the message.
        :param timeout_s: How long at most.
        :raises NodeFailedError: if the node ends or time is up.
        """
        deadline_s = time.monotonic() + timeout_s
        while not condition():
            self.check()
            if time.monotonic() > deadline_s:
                raise NodeFailedError(f'{what} did not happen within {timeout_s:.0f} s; the node '
                                      f'says: {self.log_tail()}')
            time.sleep(POLL_S)

    def stop(self) -> int:
        """
        Interrupt the node as a terminal would, and end it if it does not listen.

        :return: Its exit status; negative is the signal that ended it.
        """
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
        try:
            return self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()

    def log_tail(self) -> str:
        """Return the last lines of the log."""
        lines = self.log.read_text(errors='replace').splitlines()
        return '\n'.join(lines[-TAIL_LINES:]) or 'nothing'
