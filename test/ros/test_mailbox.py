# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The newest item wins, and every other is accounted for."""

from threading import Thread
import time

from bdc_occ_ros.ros.mailbox import Mailbox


def test_the_newest_item_wins_and_the_replaced_one_comes_back():
    mailbox = Mailbox()
    assert mailbox.put(1) is None
    assert mailbox.put(2) == 1
    assert mailbox.get(0.0) == 2
    assert mailbox.get(0.0) is None
    assert (mailbox.num_put, mailbox.num_replaced) == (2, 1)


def test_an_item_that_counts_as_false_is_an_item():
    mailbox = Mailbox()
    mailbox.put(0)
    assert mailbox.put('') == 0 and mailbox.num_replaced == 1
    assert mailbox.get(0.0) == ''


def test_get_waits_for_an_item_but_not_longer_than_told():
    mailbox = Mailbox()
    start_s = time.monotonic()
    assert mailbox.get(0.05) is None
    assert 0.04 < time.monotonic() - start_s < 2.0
    Thread(target=lambda: (time.sleep(0.05), mailbox.put('late'))).start()
    assert mailbox.get(10.0) == 'late'


def test_close_wakes_the_receiver_and_refuses_items():
    mailbox = Mailbox()
    got = []
    receiver = Thread(target=lambda: got.append(mailbox.get()), daemon=True)
    receiver.start()
    mailbox.close()
    receiver.join(10.0)
    assert got == [None] and mailbox.is_closed
    assert mailbox.put('refused') == 'refused'
    assert mailbox.get() is None and mailbox.num_put == 0


def test_every_item_is_received_or_counted_as_replaced():
    mailbox, received = Mailbox(), []

    def receive():
        while (item := mailbox.get()) is not None:
            received.append(item)
            time.sleep(0.0005)
    receiver = Thread(target=receive, daemon=True)
    receiver.start()
    for item in range(1, 2001):
        mailbox.put(item)
        if item % 50 == 0:
            time.sleep(0.001)
    deadline_s = time.monotonic() + 10.0
    while (not received or received[-1] != 2000) and time.monotonic() < deadline_s:
        time.sleep(0.001)
    mailbox.close()
    receiver.join(10.0)
    assert received == sorted(received) and received[-1] == 2000
    assert len(received) + mailbox.num_replaced == mailbox.num_put == 2000
