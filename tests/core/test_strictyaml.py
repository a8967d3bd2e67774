"""probe.core.strictyaml: every mistake is one line with file, line and key."""

from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, field_validator

from probe.core.strictyaml import LIMIT, ConfigError, read

SPACES = " (YAML is indented with spaces, not tabs)"
UNCLEAR = "input should be a valid boolean, unable to interpret input (found 'perhaps')"


class Host(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str
    port: Annotated[int, Field(gt=0, strict=True)] = 443
    labels: dict[str, str] = {}


class File(BaseModel):
    model_config = ConfigDict(extra="forbid")
    country: str = "ZZ"
    every: str = "10m"
    quick: bool = False
    share: float = 0.5
    hosts: list[Host] = []

    @field_validator("hosts")
    @classmethod
    def _once(cls, hosts: list[Host]) -> list[Host]:
        for index, host in enumerate(hosts):
            if host.name in [other.name for other in hosts[:index]]:
                problem = ValueError(f"'{host.name}' again")
                problem.key = (index, "name")
                raise problem
        return hosts


def lines(text: str | bytes) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        read(File, text, "f.yaml")
    assert str(caught.value).splitlines() == list(caught.value.lines)
    return caught.value.lines


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("country: CN\nhost: []\n", "f.yaml:2: host: unknown key; did you mean 'hosts'?"),
        ("xyzzy: 1\n", "f.yaml:1: xyzzy: unknown key"),
        ("hosts:\n  - name: a\n    prot: 1\n",
         "f.yaml:3: hosts[0].prot: unknown key; did you mean 'port'?"),
        ("hosts:\n  - name: a\n    port: web\n",
         "f.yaml:3: hosts[0].port: input should be a valid integer (found 'web')"),
        ("hosts:\n  - name: a\n  - name: b\n    port: 0\n",
         "f.yaml:4: hosts[1].port: input should be greater than 0 (found 0)"),
        ("hosts:\n  - port: 1\n", "f.yaml:2: hosts[0].name: is missing"),
        ("hosts:\n  -\n    name: a\n    name: b\n", "f.yaml:4: hosts[0].name: stands here twice"),
        ("country: CN\n\ncountry: NO\n", "f.yaml:3: country: stands here twice"),
        ("hosts:\n  - name: a\n  - name: b\n  - name: a\n", "f.yaml:4: hosts[2].name: 'a' again"),
        ("hosts: {name: a}\n", "f.yaml:1: hosts: input should be a valid list"),
        ("hosts:\n  - a\n",
         "f.yaml:2: hosts[0]: expected keys and values, found a single value"),
        ("hosts:\n  - name: a\n    labels: [x]\n",
         "f.yaml:3: hosts[0].labels: expected keys and values, found a list"),
        ("hosts:\n  -\n", "f.yaml:2: hosts[0]: expected keys and values, found nothing"),
        ("quick: yes\nshare: x\n", None),
        ("- country: CN\n", "f.yaml:1: expected keys and values, found a list"),
        ("nothing but text\n", "f.yaml:1: expected keys and values, found a single value"),
        ("", "f.yaml: the file is empty"),
        ("# only a comment\n---\n", None),
        ("country: CN\nhosts:\n\t- name: a\n",
         "f.yaml:3: found character that cannot start any token" + SPACES),
        ("country: 'CN\n", None),
        ("country: CN\n  every: 1m\n", "f.yaml:2: mapping values are not allowed in this context"),
        ("country: A\n---\ncountry: B\n", "f.yaml:2: but found another document"),
        ("? [a]\n: b\n", "f.yaml:1: a key must be a plain text"),
        ("country: CN\n1: 2\n", "f.yaml:2: a key must be a plain text"),
        ("<<: {country: CN}\n", "f.yaml:1: a key must be a plain text"),
        ("country: &c CN\nevery: *c\n", None),
        ("country: !!python/object/apply:os.system [x]\n", None),
        (b"country: \xff\xfe\n", None),
        (b"\xff\xfec\x00", None),
        ("country: \x07\n", None),
    ],
)  # fmt: skip
def test_each_mistake_is_one_line_that_says_where(text: str | bytes, line: str | None) -> None:
    told = lines(text)
    if line is not None:
        assert told == (line,)
    else:
        assert all(one.startswith("f.yaml:") and "\n" not in one for one in told)


def test_all_mistakes_are_told_at_once_in_the_order_of_the_model() -> None:
    text = "quick: perhaps\ncountry: [CN]\nhosts:\n  - nam: a\n"
    assert lines(text) == (
        "f.yaml:2: country: input should be a valid string",
        "f.yaml:1: quick: " + UNCLEAR,
        "f.yaml:4: hosts[0].name: is missing",
        "f.yaml:4: hosts[0].nam: unknown key; did you mean 'name'?",
    )


@pytest.mark.parametrize(
    ("text", "key", "value"),
    [
        ("country: NO", "country", "NO"),
        ("country: off", "country", "off"),
        ("every: 1:30", "every", "1:30"),
        ("every: 2017-07-18", "every", "2017-07-18"),
        ("every: 0x10", "every", "0x10"),
        ("every: 1_000", "every", "1_000"),
        ("quick: true", "quick", True),
        ("quick: TRUE", "quick", True),
        ("share: 1", "share", 1.0),
        ("share: -.5e1", "share", -5.0),
        ("\ufeffcountry: CN", "country", "CN"),
        ("{}", "country", "ZZ"),
    ],
)
def test_a_text_means_what_it_says(text: str, key: str, value: object) -> None:
    assert getattr(read(File, text, "f.yaml"), key) == value
    assert getattr(read(File, text.encode(), "f.yaml"), key) == value


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        "{a: " * 100_000,
        "a: " + "[" * 5000 + "]" * 5000,
        "\n".join(" " * depth + "a:" for depth in range(2000)),
        "- " * 50_000 + "a",
    ],
    ids=["lists", "maps", "closed", "indented", "dashes"],
)
def test_nesting_that_would_exhaust_the_stack_is_refused(text: str) -> None:
    (line,) = lines(text)
    assert "nested too deeply" in line


def test_a_few_lines_that_would_grow_without_end_are_refused() -> None:
    laughs = "a: &a [x, x]\n" + "".join(
        f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]\n"
        for old, new in zip("abcdefgh", "bcdefghi", strict=True)
    )
    (line,) = lines(laughs)
    assert "aliases (*name) are not supported" in line


def test_a_file_too_large_is_not_even_parsed() -> None:
    (line,) = lines(b"#" * (LIMIT + 1))
    assert line == "f.yaml: larger than 4 MiB"


@given(st.one_of(st.binary(max_size=200), st.text(max_size=200)))
def test_whatever_the_bytes_the_answer_is_a_file_or_lines(text: str | bytes) -> None:
    try:
        read(File, text, "f.yaml")
    except ConfigError as exc:
        assert exc.lines
        assert all(line.startswith("f.yaml") for line in exc.lines)
        assert not any("\n" in line or "\r" in line for line in exc.lines)
