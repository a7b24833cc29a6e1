from __future__ import annotations

import pytest

from pipeline.document import Origin, parse_value, parse_yaml
from pipeline.errors import ConfigError


def test_yaml_1_2_scalars_become_plain_data() -> None:
    text = "a: [1, 2.5, 1e-3, no, true, ~, 0x1F, 010, 2020-01-01]"
    assert parse_yaml(text, "x.yaml").data == {
        "a": [1, 2.5, 0.001, "no", True, None, 31, 10, "2020-01-01"]
    }


def test_each_place_knows_its_line() -> None:
    document = parse_yaml("version: 1\nnodes:\n  a:\n    size: [3, 4]\n", "x.yaml")
    assert document.origins["nodes", "a", "size"] == Origin("x.yaml", 4)
    fault = document.fault(("nodes", "a", "size", 1), "got 4. Use 5.")
    assert str(fault) == "x.yaml:4: nodes.a.size[1]: got 4. Use 5."


def test_a_place_that_was_not_written_is_told_at_its_parent() -> None:
    document = parse_yaml("nodes:\n  a:\n    size: 3\n", "x.yaml")
    assert document.fault(("nodes", "a", "path"), "is missing.").line == 2


def test_duplicate_keys_are_told_and_the_first_is_kept() -> None:
    document = parse_yaml("a: 1\nb: 2\na: 3\n", "x.yaml")
    assert document.data == {"a": 1, "b": 2}
    assert [str(f) for f in document.faults] == ['x.yaml:3: "a" stands twice. Keep one of them.']


def test_tags_that_make_objects_are_refused() -> None:
    document = parse_yaml("a: !!python/object:os.system x\n", "x.yaml")
    assert "is not allowed" in document.faults[0].message


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a:\n\tb: 1\n", "x.yaml:2: a tab is used for spacing. Use spaces; YAML allows no tabs."),
        ("a: b: c\n", 'x.yaml:1: is no YAML (mapping values are not allowed here), got "a: b: c"'),
        ("a: [1,\n", "x.yaml:2: is no YAML"),
        ("a: \x00", "x.yaml: is no YAML"),
        ("- &a [*a]\n", "levels. Use fewer aliases."),
        ("[" * 40 + "]" * 40, "levels"),
    ],
)
def test_what_is_no_yaml_gives_one_line(text: str, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_yaml(text, "x.yaml")
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_value_put_by_an_option_replaces_and_is_named() -> None:
    document = parse_yaml("nodes:\n  a: {size: [1, 2]}\n", "x.yaml")
    document.put(("nodes", "a", "size"), 3, "--set a.size=3")
    assert document.data == {"nodes": {"a": {"size": 3}}}
    fault = document.fault(("nodes", "a", "size"), "got 3. Use 4.")
    assert str(fault) == "--set a.size=3: nodes.a.size: got 3. Use 4."


def test_an_option_can_not_lead_through_a_value() -> None:
    document = parse_yaml("nodes: {a: {size: 1}}", "x.yaml")
    with pytest.raises(ConfigError, match="is not a mapping, got 1"):
        document.put(("nodes", "a", "size", "deep"), 3, "--set a.size.deep=3")


@pytest.mark.parametrize(("text", "value"), [("0.5", 0.5), ("[1, 2]", [1, 2]), ("a b", "a b")])
def test_option_values_are_yaml(text: str, value: object) -> None:
    assert parse_value(text, "--set") == value
