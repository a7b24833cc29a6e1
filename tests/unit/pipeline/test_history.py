from __future__ import annotations

from pathlib import Path

from pipeline.history import History, Ingredients, why_changed

BEFORE = Ingredients(
    "crop", "c0de", {"size": 3, "mode": "a"}, {"path": ("x.tif", "d1")}, {"image": ("photo", "k1")}
)


def changed(**fields: object) -> Ingredients:
    known = {name: getattr(BEFORE, name) for name in Ingredients.__slots__}
    return Ingredients(**{**known, **fields})  # type: ignore[arg-type]


def test_reasons_in_the_users_words() -> None:
    assert why_changed("s", None, BEFORE) == "never run"
    assert why_changed("s", BEFORE, BEFORE) == ""
    cases = {
        "s.size: 3 -> 5": changed(params={"size": 5, "mode": "a"}),
        "s.mode: a -> b": changed(params={"size": 3, "mode": "b"}),
        "s.more: null -> [1, 2]": changed(params={"size": 3, "mode": "a", "more": [1, 2]}),
        "input x.tif changed": changed(files={"path": ("x.tif", "d2")}),
        "upstream photo changed": changed(inputs={"image": ("photo", "k2")}),
        "s.inputs.image: photo -> other": changed(inputs={"image": ("other", "k2")}),
        "s.inputs.image left open": changed(inputs={}),
        "code changed": changed(code="c1de"),
        "s.kind: crop -> resize": changed(kind="resize"),
        "s.size: 3 -> 5, code changed": changed(params={"size": 5, "mode": "a"}, code="x"),
    }
    assert {reason: why_changed("s", BEFORE, now) for reason, now in cases.items()} == {
        reason: reason for reason in cases
    }


def test_a_renamed_node_or_file_is_no_change() -> None:
    now = changed(inputs={"image": ("picture", "k1")}, files={"path": ("y.tif", "d1")})
    assert why_changed("s", BEFORE, now) == ""


def test_histories_are_kept_apart_and_added_to(tmp_path: Path) -> None:
    History(tmp_path, "a.yaml").save({"s": BEFORE})
    History(tmp_path, "a.yaml").save({"t": changed(code="x")})
    History(tmp_path, "b.yaml").save({"s": changed(kind="load")})
    assert History(tmp_path, "a.yaml").load() == {"s": BEFORE, "t": changed(code="x")}
