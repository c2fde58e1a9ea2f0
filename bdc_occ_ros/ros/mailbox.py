# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A mailbox for one item, in which the newest replaces what was not fetched in time."""

from threading import Condition
from typing import Generic, TypeVar

Item = TypeVar('Item')


class Mailbox(Generic[Item]):
    """
    Hand items from one thread to a slower one without ever waiting or growing.

    The sender never blocks; the receiver always gets the newest item and what it could not
    fetch is counted. None cannot be an item: it is the answer when there is none.
    """

    def __init__(self) -> None:
        self._changed = Condition()
        self._item: Item | None = None
        self._is_closed = False
        self._num_put = 0
        self._num_replaced = 0

    def put(self, item: Item) -> Item | None:
        """
        Leave an item and take back the one that it replaces.

        :param item: What the receiver gets next.
        :return: The item that nobody fetched, the given item if the mailbox is closed, or None.
        """
        with self._changed:
            if self._is_closed:
                return item
            replaced, self._item = self._item, item
            self._num_put += 1
            self._num_replaced += replaced is not None
            self._changed.notify()
            return replaced

    def get(self, timeout_s: float | None = None) -> Item | None:
        """
        Fetch the newest item, waiting for one if there is none.

        :param timeout_s: Longest wait; None waits until an item comes or the mailbox closes.
        :return: The item, or None after the wait or when the mailbox is closed.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._is_closed or self._item is not None, timeout_s)
            item, self._item = self._item, None
            return item

    def close(self) -> None:
        """Wake every receiver for good; what lies in the box is dropped."""
        with self._changed:
            self._is_closed = True
            self._item = None
            self._changed.notify_all()

    @property
    def is_closed(self) -> bool:
        """Whether nothing will come any more."""
        with self._changed:
            return self._is_closed

    @property
    def num_put(self) -> int:
        """How many items were left here."""
        with self._changed:
            return self._num_put

    @property
    def num_replaced(self) -> int:
        """How many items nobody fetched before the next came."""
        with self._changed:
            return self._num_replaced
