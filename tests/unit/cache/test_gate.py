from __future__ import annotations

import threading

import pytest

from cache.gate import Gate
from cache.store import StoreError


def test_a_shut_gate_lets_nobody_in():
    gate = Gate("result x")
    with gate.passed():
        pass
    gate.shut()
    gate.shut()
    with pytest.raises(StoreError, match=r"result x: published or discarded before\. Begin anew"):
        gate.passed().__enter__()


def test_shutting_waits_for_those_inside():
    gate, entered, leave = Gate("result x"), threading.Event(), threading.Event()
    order: list[str] = []

    def write():
        with gate.passed():
            entered.set()
            leave.wait(5)
            order.append("written")

    def end():
        gate.shut()
        order.append("shut")

    threads = [threading.Thread(target=write), threading.Thread(target=end)]
    threads[0].start()
    assert entered.wait(5)
    threads[1].start()
    threads[1].join(0.05)
    leave.set()
    for thread in threads:
        thread.join(5)
    assert order == ["written", "shut"]
