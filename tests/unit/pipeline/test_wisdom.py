from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.wisdom import kept_wisdom


class Planner:
    """Learns words; wisdom is the words it knows, sorted."""

    def __init__(self) -> None:
        self.words: set[bytes] = set()

    def load(self, wisdom: bytes) -> bool:
        self.words |= set(wisdom.split())
        return True

    def dump(self) -> bytes:
        return b" ".join(sorted(self.words))


def kept_in(path: Path) -> set[bytes]:
    planner = Planner()
    with kept_wisdom(path, planner.load, planner.dump):
        return set(planner.words)


def test_what_was_learnt_is_there_the_next_time(tmp_path: Path) -> None:
    path = tmp_path / "new" / "wisdom"
    one, two = Planner(), Planner()
    with kept_wisdom(path, one.load, one.dump):
        one.words.add(b"fast")
    with kept_wisdom(path, two.load, two.dump):
        assert two.words == {b"fast"}


def test_two_runs_at_once_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "wisdom"
    one, two = Planner(), Planner()
    with kept_wisdom(path, one.load, one.dump):
        one.words.add(b"one")
        with kept_wisdom(path, two.load, two.dump):
            two.words.add(b"two")
    assert kept_in(path) == {b"one", b"two"}
    assert [file.name for file in tmp_path.iterdir()] == ["wisdom"]


def test_wisdom_is_kept_when_the_run_fails(tmp_path: Path) -> None:
    planner = Planner()

    def fail() -> None:
        with kept_wisdom(tmp_path / "wisdom", planner.load, planner.dump):
            planner.words.add(b"fast")
            raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        fail()
    assert kept_in(tmp_path / "wisdom") == {b"fast"}


def test_a_run_that_needed_none_writes_none(tmp_path: Path) -> None:
    planner = Planner()
    with kept_wisdom(tmp_path / "wisdom", planner.load, planner.dump):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_can_not_be_written_costs_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    planner = Planner()
    with kept_wisdom(tmp_path / "file" / "wisdom", planner.load, planner.dump):
        planner.words.add(b"fast")
    assert (tmp_path / "file").read_text() == ""


@pytest.mark.parametrize("place", [0, 5, 40, -1])
def test_wisdom_of_which_a_bit_changed_is_not_taken(tmp_path: Path, place: int) -> None:
    path = tmp_path / "wisdom"
    one, two = Planner(), Planner()
    with kept_wisdom(path, one.load, one.dump):
        one.words.add(b"measured")
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)
    with kept_wisdom(path, two.load, two.dump):
        assert two.words == set()
