# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""End the process of the node with 0 on SIGINT and SIGTERM; it imports nothing heavy."""

from collections.abc import Callable
import os
import signal
import sys
import threading
import time
from types import FrameType
from typing import NoReturn

END_TIMEOUT_S = 2.0


class EndingSignals:
    """
    Raise KeyboardInterrupt once when SIGINT or SIGTERM comes, and end the process soon after.

    A thread ends it where the exception is late or lost: in a call of a library, or in one of the
    callbacks that swallow exceptions.
    """

    def __init__(self) -> None:
        self.has_come = False
        self.wake: Callable[[], object] = lambda: None  # rclpy waits without looking at signals
        self._wakeup, wakeup = os.pipe()
        os.set_blocking(wakeup, False)
        signal.set_wakeup_fd(wakeup, warn_on_full_buffer=False)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._interrupt)
        threading.Thread(target=self._watch, name='signals', daemon=True).start()

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        if not self.has_come:
            self.has_come = True
            raise KeyboardInterrupt

    def _watch(self) -> None:
        os.read(self._wakeup, 1)
        self.wake()
        time.sleep(END_TIMEOUT_S)
        end_process(0)


def end_process(status: int) -> NoReturn:
    """End the process with a status, without waiting for its threads."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
