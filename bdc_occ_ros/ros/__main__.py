# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Run the node as a process, which SIGINT and SIGTERM end with 0 whatever it is doing.

The handlers stand before anything heavy is imported. The process ends without the interpreter's
farewell, which waits for PyTorch's threads and takes seconds where others use the processor.
"""

from typing import NoReturn

from bdc_occ_ros.ros.signals import end_process, EndingSignals


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
