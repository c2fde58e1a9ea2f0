# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Run the node as a process of its own, with its log in a file."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
import os
from pathlib import Path
import signal
import subprocess
import sys
import time
from typing import Any

from bdc_occ_ros.errors import NodeFailedError

STOP_TIMEOUT_S = 10.0
POLL_S = 0.1
TAIL_LINES = 15
PROGRAM = ('-m', 'bdc_occ_ros.ros')


class NodeProcess(AbstractContextManager):
    """
    Run the node; use it in a with statement.

    :param log_file: File for what the node prints.
    :param parameters: Single parameters over the files.
    :param parameter_files: Given to the node in this order, later ones override.
    :param arguments: More ROS arguments.
    :param environment: Variables over those of this process.
    :param program: What Python runs.
    """

    def __init__(self, log_file: Path, parameters: Mapping[str, Any],
                 parameter_files: Sequence[Path] = (), arguments: Sequence[str] = (),
                 environment: Mapping[str, str] | None = None,
                 program: Sequence[str | Path] = PROGRAM) -> None:
        self._log_file = log_file
        words = [*program, '--ros-args', *arguments]
        for file in parameter_files:
            words += ['--params-file', file]
        for name, value in parameters.items():
            words += ['-p', f'{name}:={value}']
        with log_file.open('wb') as output:
            self._process = subprocess.Popen(
                [sys.executable, *words], stdin=subprocess.DEVNULL, stdout=output,
                stderr=subprocess.STDOUT, env=os.environ | dict(environment or {}),
                start_new_session=True)

    def __exit__(self, *raised: object) -> None:
        self.stop()

    @property
    def log(self) -> str:
        """Return what the node has printed."""
        return self._log_file.read_text(errors='replace')

    def log_tail(self) -> str:
        """Return the last lines of the log."""
        return '\n'.join(self.log.splitlines()[-TAIL_LINES:]) or 'nothing'

    @property
    def pid(self) -> int:
        """Return the number of the process."""
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Return whether the process has not ended."""
        return self._process.poll() is None

    def check(self) -> None:
        """
        Make sure that the node still runs.

        :raises NodeFailedError: if it ended; the message has the end of its log.
        """
        if not self.is_running:
            raise NodeFailedError(
                f'the node ended with status {self._process.returncode}: {self.log_tail()}')

    def wait_for(self, condition: Callable[[], bool], what: str, timeout_s: float) -> None:
        """
        Wait until something holds while the node runs.

        :param condition: Tells whether it holds; may raise NodeFailedError.
        :param what: What is waited for, for the message.
        :raises NodeFailedError: if the node ends or time is up.
        """
        deadline_s = time.monotonic() + timeout_s
        while not condition():
            self.check()
            if time.monotonic() > deadline_s:
                raise NodeFailedError(f'{what} did not happen within {timeout_s:.0f} s; the node '
                                      f'says: {self.log_tail()}')
            time.sleep(POLL_S)

    def stop(self, sent: signal.Signals = signal.SIGINT, timeout_s: float = STOP_TIMEOUT_S) -> int:
        """
        Interrupt the node as a terminal would, and kill it if it does not end.

        :return: Its exit status; negative is the signal that ended it.
        """
        if self.is_running:
            self._process.send_signal(sent)
        try:
            return self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()
