# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Run the node as a process, which SIGINT and SIGTERM end with 0 whatever it is doing.

The handlers stand before anything heavy is imported. The process ends without the interpreter's
farewell, which waits for PyTorch's threads and takes seconds where others use the processor.
"""

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
        self.executor = None  # of rclpy; it waits without looking at signals
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
        if self.executor is not None:
            self.executor.wake()
        time.sleep(END_TIMEOUT_S)
        end_process(0)


def end_process(status: int) -> NoReturn:
    """End the process with a status, without waiting for its threads."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def main(args: list[str] | None = None) -> NoReturn:
    """
    Run the node until it is interrupted.

    :param args: Command line with ROS arguments; that of the process if None.
    """
    signals = EndingSignals()
    try:
        from bdc_occ_ros.ros.node import run
        run(args, signals)
    except KeyboardInterrupt:
        pass
    except (RuntimeError, SystemError):  # as which an interrupted conversion of messages ends
        if not signals.has_come:
            raise
    end_process(0)


if __name__ == '__main__':
    main()
