"""A policy in YAML means what it would mean in JSON, and nothing else."""

import pytest

from domain.policy import PolicyFaults
from infrastructure.policy_documents import read


def test_a_document_is_read_as_its_json_would_be() -> None:
    text = """
    version: cn-2027      # 双十二
    rules:
      - {id: NR-1, days: 7, share: 0.5, enabled: true, promise: null, empty: }
    source: 消费者权益保护法 25
    """
    assert read(text) == {
        "version": "cn-2027",
        "rules": [{"id": "NR-1", "days": 7, "share": 0.5, "enabled": True, "promise": None, "empty": None}],
        "source": "消费者权益保护法 25",
    }


@pytest.mark.parametrize(
    "plain", ["18:00", "2026-01-01", "no", "on", "0x10", "1_000", "010", "NR-1", "True", "1e3", ".inf", "<<"]
)
def test_what_only_yaml_takes_for_something_else_stays_text(plain: str) -> None:
    assert read(f"value: {plain}") == {"value": plain}


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("a: 1\nb: [", "line 2, column 5: "),
        ("a: 1\na: 2", "line 2, column 1: a member is named twice"),
        ("a: &x 1\nb: *x", "line 2, column 4: aliases are not known here"),
        ("1: a", "line 1, column 1: members are named by text"),
        ("a: !!python/object:os.system x", "line 1, column 4: tags are not known here"),
        ("a: !!bool maybe", "line 1, column 4: tags are not known here"),
        ('a: "\\ud800"', "line 1, column 4: text holds NUL or half of a surrogate pair"),
        ('a: "\\0"', "line 1, column 4: text holds NUL or half of a surrogate pair"),
        ("a: 1\n---\nb: 2", "line 2, column 1: "),
        ("a: \x07", ""),
        ("a: " + "9" * 5000, ""),
        ("[" * 33 + "]" * 33, "line 1, column 33: nested deeper than 32 levels"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_place(text: str, where: str) -> None:
    with pytest.raises(PolicyFaults) as caught:
        read(text)
    (fault,) = caught.value.faults
    assert fault.path == ""
    assert where in fault.detail


def test_a_document_that_grows_without_end_is_refused() -> None:
    laughs = "\n".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 60))
    with pytest.raises(PolicyFaults):
        read(f"a0: &a0 lol\n{laughs}")


def test_lists_side_by_side_are_not_deep() -> None:
    assert read("[" + "[], " * 100 + "]") == [[]] * 100
