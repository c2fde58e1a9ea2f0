# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The inference thread takes the newest set, ends when told, and never dies unseen."""

import threading

import pytest

from bdc_occ_ros.ros.inference_worker import InferenceWorker


def test_newest_item_is_worked_on_while_older_ones_are_counted(node):
    started, go, done = threading.Event(), threading.Event(), []

    def work(item):
        started.set()
        assert go.wait(60.0)
        done.append(item)
    worker = InferenceWorker(node, work)
    worker.mailbox.put('first')
    assert started.wait(60.0)
    for item in ('second', 'third', 'fourth'):
        worker.mailbox.put(item)
    threading.Timer(0.05, go.set).start()
    while len(done) < 2:
        threading.Event().wait(0.01)
    assert worker.stop(60.0)
    assert done == ['first', 'fourth'] and worker.mailbox.num_replaced == 2


def test_stop_gives_up_on_work_that_does_not_end(node):
    go, started = threading.Event(), threading.Event()

    def work(_):
        started.set()
        go.wait(60.0)
    worker = InferenceWorker(node, work)
    worker.mailbox.put('endless')
    assert started.wait(60.0)
    assert not worker.stop(0.05)
    go.set()


def test_unforeseen_error_reaches_the_thread_that_spins(ros, node):
    def work(_):
        raise ZeroDivisionError('unforeseen')
    worker = InferenceWorker(node, work)
    worker.mailbox.put('bad')
    with pytest.raises(RuntimeError, match='inference thread has died') as caught:
        for _ in range(600):
            ros.spin_once(node, timeout_sec=0.1)
    assert isinstance(caught.value.__cause__, ZeroDivisionError)
    assert worker.stop(60.0)
