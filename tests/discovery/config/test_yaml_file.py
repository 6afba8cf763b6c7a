"""YAML holds data only, reads the way it looks, and says where it is wrong."""

import math
import re

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from discovery.config.yaml_file import parse_yaml, read_yaml_mapping
from sciren.errors import ConfigError

NAMES = st.text("abcxyz_0123456789", min_size=1).map(lambda text: f"k{text}")
# 1e-3 and 08 are numbers here, as in YAML 1.2; usual writers leave such texts unquoted.
TEXTS = st.text(st.characters(codec="ascii", min_codepoint=32)).filter(
    lambda text: (
        re.fullmatch(r"[-+]?[0-9]*\.?[0-9]*([eE][-+]?[0-9]+)?", text) is None
        or not text
    )
)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, width=32)
    | TEXTS,
    lambda inner: st.lists(inner) | st.dictionaries(NAMES, inner),
    max_leaves=10,
)


@given(st.dictionaries(NAMES, VALUES))
def test_what_a_usual_writer_writes_reads_back_as_it_was(data):
    assert parse_yaml(yaml.safe_dump(data), "text") == data


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("on", "on"),
        ("y", "y"),
        ("12:30", "12:30"),
        ("2013-01-01", "2013-01-01"),
        ("2013", 2013),
        ("1e-3", 0.001),
        ("-.5E2", -50.0),
        ("-.inf", -math.inf),
        ("true", True),
        ("~", None),
        ("", None),
        ("[a, 1, null]", ["a", 1, None]),
    ],
)
def test_scalars_read_the_way_they_look(text, value):
    read = parse_yaml(f"key: {text}", "text")["key"]
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [1\nb: 2", "f, line 2: not readable as YAML"),
        ("a: 1\nb: 2\na: 3", "f, line 3: .*key 'a' stands twice"),
        ("2013: a", "f, line 1: .*key 2013 is not a text"),
        ("{[1]: a}", "f, line 1: .*is not a text"),
        ("a: *b", "f, line 1: .*undefined alias"),
        ("a: !!python/object/apply:os.getcwd []", "line 1: .*python/object"),
        ("a: \x00", "f: not readable as YAML"),
    ],
)
def test_broken_yaml_names_the_line(text, message):
    with pytest.raises(ConfigError, match=message) as raised:
        parse_yaml(text, "f")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"# only a comment\n", "is empty"),
        (b"\xff\xfe\x00\x01", "it is not text"),
        (b"- a\n- b\n", "holds a list"),
        (b"just words", "holds a str"),
    ],
)
def test_a_file_that_is_no_configuration_says_so(tmp_path, content, message):
    file = tmp_path / "config.yaml"
    file.write_bytes(content)
    with pytest.raises(ConfigError, match=f"config.yaml: .*{message}"):
        read_yaml_mapping(file)


def test_a_missing_file_and_a_folder_say_so(tmp_path):
    with pytest.raises(ConfigError, match=r"no.yaml: no such file; `sciren init`"):
        read_yaml_mapping(tmp_path / "no.yaml")
    with pytest.raises(ConfigError, match="cannot be read as a configuration: Is a"):
        read_yaml_mapping(tmp_path)
