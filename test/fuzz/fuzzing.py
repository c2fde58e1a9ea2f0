# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Feed damaged and extreme inputs to everything that takes inputs, and judge what comes of each.

    python test/fuzz/fuzzing.py [TARGET ...] [--seconds N] [--seed S] [--case NUMBER]

A target is a file fuzz_<target>.py here. Every case follows from seed, target and number alone, so
the command that is printed with a finding repeats it. A case may be accepted or refused by a
BdcOccError with one short line; anything else is a finding: another error, an endless or expensive
case, a lot of memory, a process that ends.
"""

import argparse
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
import faulthandler
import importlib
import json
import multiprocessing
from multiprocessing.connection import Connection
import os
from pathlib import Path
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
from typing import Any
import unicodedata

os.environ.setdefault('OMP_NUM_THREADS', '1')  # before libraries are loaded that read it
FOLDER = Path(__file__).resolve().parent
sys.path[:0] = [str(FOLDER), *(str(FOLDER.parent / room) for room in ('', 'ros', 'bags'))]

from bdc_occ_ros.errors import BdcOccError  # noqa: E402

MAX_MESSAGE_LENGTH = 1000  # characters; paths and what the cure names come on top of a quotation
MAX_ADDRESS_BYTES = 12 * 2 ** 30  # keeps the machine alive; what a case takes is judged
MAX_LINES = 60  # of what a finding prints
ONE_LINE = {'Cc', 'Cs', 'Zl', 'Zp'}  # control characters, surrogates, separators of lines


class FindingError(AssertionError):
    """What a target itself found wrong."""


@dataclass(frozen=True)
class Target:
    """
    What is fuzzed.

    :param prepare: Writes sound inputs into a folder and returns what attempt needs.
    :param attempt: Given a random generator, what prepare returned and a folder: makes one input
        and has it read. It returns in words what became of it, if that is more than accepted.
    :param cases: How many the tests run.
    :param max_cpu_s: Processor time that one case may take.
    :param max_wall_s: After so long a case is held to be endless.
    :param max_bytes: Memory that one case may take: twice what a file of arrays may unpack to.
    """

    prepare: Callable[[Path], Any]
    attempt: Callable[[random.Random, Any, Path], str | None]
    cases: int
    max_cpu_s: float = 10.0
    max_wall_s: float = 300.0
    max_bytes: int = 2 * 2 ** 30


@dataclass
class Result:
    """What came of the cases of a target: outcomes counted, findings by kind, first one kept."""

    outcomes: Counter[str] = field(default_factory=Counter)
    findings: Counter[str] = field(default_factory=Counter)
    first: dict[str, tuple[int, str]] = field(default_factory=dict)
    cases: int = 0

    def add_finding(self, number: int, kind: str, text: str) -> bool:
        """Count it; tell whether it is the first of its kind."""
        self.findings[kind] += 1
        return self.first.setdefault(kind, (number, text)) == (number, text)


def target_names() -> list[str]:
    return sorted(path.stem.removeprefix('fuzz_') for path in FOLDER.glob('fuzz_*.py'))


def place_of(error: BaseException) -> str:
    """Return the innermost line of the package that an error went through."""
    frames = traceback.extract_tb(error.__traceback__)
    cause = error.__cause__
    if cause is not None and not isinstance(error, BdcOccError):
        return place_of(cause)
    inside = [frame for frame in frames if 'bdc_occ_ros/' in frame.filename.partition('.venv')[0]
              and '/test/' not in frame.filename]
    frame = (inside or frames)[-1]
    return f'{Path(frame.filename).name}:{frame.lineno} {frame.name}'


def message_fault(message: str) -> str:
    """Return what is wrong with the message of an error, or nothing."""
    if len(message) > MAX_MESSAGE_LENGTH:
        return 'long message'
    if not message or any(unicodedata.category(character) in ONE_LINE for character in message):
        return 'message that is not one line of text'
    return ''


def memory_bytes(name: str) -> int:
    """Return a figure of this process: VmRSS, or VmHWM, the peak."""
    line = next(line for line in Path('/proc/self/status').read_text().splitlines()
                if line.startswith(name))
    return int(line.split()[1]) * 1024


def judged(target: Target, rng: random.Random, prepared: Any, folder: Path
           ) -> tuple[str, str, str]:
    """Run one case; return its outcome, and the kind and text of the finding if it is one."""
    Path('/proc/self/clear_refs').write_text('5')  # the peak begins anew
    before_bytes, start_s = memory_bytes('VmRSS'), time.process_time()
    kind = text = ''
    try:
        outcome = target.attempt(rng, prepared, folder) or 'accepted'
        where = 'accepted'
    except BdcOccError as error:
        outcome, where = type(error).__name__, f'{type(error).__name__} at {place_of(error)}'
        if fault := message_fault(str(error)):
            kind, text = f'{fault}: {where}', ascii(str(error))[:2000]
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - what else comes out is what is looked for
        text = traceback.format_exc()
        name = str(error) if isinstance(error, FindingError) else type(error).__name__
        return 'finding', f'{name.splitlines()[0][:200]} at {place_of(error)}', text
    spent_s, grown_bytes = time.process_time() - start_s, memory_bytes('VmHWM') - before_bytes
    if not kind and grown_bytes > target.max_bytes:
        kind, text = f'memory: {where}', f'{grown_bytes / 2 ** 20:.0f} MiB more than before'
    if not kind and spent_s > target.max_cpu_s:
        kind, text = f'slow: {where}', f'{spent_s:.1f} s of processor time'
    return ('finding' if kind else outcome), kind, text


def work(sender: Connection, name: str, seed: str, numbers: range, end_s: float) -> None:
    """Run cases in a process of their own and send what came of each."""
    with tempfile.TemporaryDirectory(prefix=f'fuzz_{name}_') as scratch:
        folder = Path(scratch)
        sender.send(('folder', scratch))
        with (folder / 'stderr').open('wb') as noise:
            os.dup2(noise.fileno(), 1)
            os.dup2(noise.fileno(), 2)
        faulthandler.enable()
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_AS, (MAX_ADDRESS_BYTES, MAX_ADDRESS_BYTES))
        target = importlib.import_module(f'fuzz_{name}').TARGET
        try:
            prepared = target.prepare(folder)
        except Exception as error:  # noqa: BLE001 - sound inputs are refused: that is a finding
            sender.send(('finding', f'{type(error).__name__} in prepare', traceback.format_exc()))
            numbers = range(0)
        for number in numbers:
            if time.monotonic() > end_s:
                break
            sender.send(('case', number))
            sender.send(judged(target, random.Random(f'{seed} {name} {number}'), prepared, folder))
    sender.send(('end', None))


def run(name: str, seed: str, numbers: range, seconds: float,
        observe: Callable[[int, str, str], None] = lambda number, kind, text: None) -> Result:
    """
    Run the cases of a target; a process that dies or hangs is replaced after its case.

    :param observe: Told of the first finding of every kind: number, kind, text.
    """
    target, result = importlib.import_module(f'fuzz_{name}').TARGET, Result()
    end_s = time.monotonic() + seconds
    while len(numbers) and time.monotonic() < end_s:
        receiver, sender = multiprocessing.Pipe(duplex=False)
        process = multiprocessing.get_context('fork').Process(
            target=work, args=(sender, name, seed, numbers, end_s))
        process.start()
        sender.close()
        number, died = _follow(process, receiver, target, result, observe)
        if died:
            words = _last_words(process.pid)
            died += ' at ' + next((line.strip() for line in words if '/bdc_occ_ros/' in line), '?')
            if result.add_finding(number, died, '\n'.join(words)):
                observe(number, died, '\n'.join(words))
            if number < numbers.start:
                break  # it cannot even begin
        numbers = range(number + 1, numbers.stop) if died else range(0)
    return result


def _follow(process, receiver, target, result, observe) -> tuple[int, str]:
    """Take what a process sends; return its last case, and how it died if it did."""
    number, folder = -1, None
    while True:
        if not receiver.poll(target.max_wall_s):
            process.kill() if folder is None else os.kill(process.pid, signal.SIGABRT)
            process.join()
            return number, f'no end within {target.max_wall_s:.0f} s'
        try:
            message = receiver.recv()
        except EOFError:
            process.join()
            return number, f'the process ended with status {process.exitcode}'
        match message:
            case ('end', _):
                process.join()
                return number, ''
            case ('folder', folder):
                _FOLDERS[process.pid] = Path(folder)
            case ('case', number):
                pass
            case (outcome, kind, text):
                result.cases += 1
                result.outcomes[outcome] += 1
                if kind and result.add_finding(number, kind, text):
                    observe(number, kind, text)


_FOLDERS: dict[int, Path] = {}


def _last_words(pid: int) -> list[str]:
    """Return the end of what a dead process printed, and remove what it left."""
    folder = _FOLDERS.pop(pid, None)
    if folder is None or not folder.is_dir():
        return []
    lines = (folder / 'stderr').read_text(errors='replace').splitlines()
    shutil.rmtree(folder)
    return lines[-MAX_LINES:]


def main() -> int:
    """Fuzz the targets one after another; return 1 if something was found."""
    parser = argparse.ArgumentParser(description=__doc__.partition('\n\n')[0])
    parser.add_argument('targets', nargs='*', metavar='TARGET',
                        help=f'of {", ".join(target_names())}; all without one')
    parser.add_argument('--seconds', type=float, help='for every target; without it, the few '
                        'cases that the tests run')
    parser.add_argument('--case', type=int, help='only the one of this number')
    parser.add_argument('--seed', default=str(time.time_ns()))
    parser.add_argument('--json', type=Path, help='file for the results')
    args = parser.parse_args()
    results = {}
    for name in args.targets or target_names():
        def tell(number: int, kind: str, text: str, name: str = name) -> None:
            command = (f'{os.path.relpath(sys.executable)} {os.path.relpath(__file__)} {name} '
                       f'--seed {args.seed} --case {max(number, 0)}')
            lines = [line[:300] for line in text.splitlines()[-MAX_LINES:]]
            print(f'\nFINDING in {name}: {kind}\n  repeat: {command}', *lines, sep='\n    ',
                  flush=True)
        target = importlib.import_module(f'fuzz_{name}').TARGET
        numbers = range(sys.maxsize if args.seconds else target.cases)
        if args.case is not None:
            numbers = range(args.case, args.case + 1)
        result = results[name] = run(name, args.seed, numbers, args.seconds or float('inf'), tell)
        print(f'{name}: seed {args.seed}, {result.cases} cases: ' + ', '.join(
            f'{count} {outcome}' for outcome, count in result.outcomes.most_common()), flush=True)
        for kind, count in result.findings.most_common():
            print(f'{count:8} x {kind}', flush=True)
    if args.json:
        args.json.write_text(json.dumps({
            name: {'planned': importlib.import_module(f'fuzz_{name}').TARGET.cases,
                   'cases': result.cases, 'outcomes': result.outcomes,
                   'findings': result.findings} for name, result in results.items()}))
    return int(any(result.findings for result in results.values()))


if __name__ == '__main__':
    sys.modules['fuzzing'] = sys.modules['__main__']  # the targets' Target is this one
    sys.exit(main())
