"""Checkpoints are read without running anything that they hold."""

import io
import zipfile
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sciren.errors import FormatError
from sciren.pykan import read_pykan
from sciren.pykan.tensor_file import read_tensors

KINDS = (torch.float32, torch.float64, torch.float16, torch.bfloat16)


def archive_of(value):
    """Return the file and its list of tensors as bytes."""
    stream = io.BytesIO()
    torch.save(value, stream)
    with zipfile.ZipFile(stream) as archive:
        return stream.getvalue(), archive.read("archive/data.pkl")


ARCHIVE, INSTRUCTIONS = archive_of({"a": torch.arange(6.0).reshape(2, 3)})


def saved(folder, value, **settings):
    torch.save(value, folder / "file", **settings)
    return folder / "file"


def rewritten(path, change, compression=zipfile.ZIP_STORED):
    """Write the parts of an archive anew, each through change(name, bytes)."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in parts.items():
            archive.writestr(name, change(name, data))
    return path


def described(path, change):
    """Change the list of tensors."""
    return rewritten(path, lambda n, d: change(d) if n.endswith("data.pkl") else d)


@given(
    st.lists(st.integers(0, 4), max_size=3),
    st.sampled_from(KINDS),
    st.booleans(),
    st.booleans(),
)
def test_what_torch_saves_is_read_bit_by_bit(tmp_path_factory, shape, kind, turn, wrap):
    values = torch.randn(shape, generator=torch.Generator().manual_seed(3)).to(kind)
    values = values.movedim(0, -1) if turn and values.dim() > 1 else values
    state = {"a": values, "view": values.reshape(-1)[1:], "again": values}
    if wrap:
        state["a"] = torch.nn.Parameter(values)
    read = read_tensors(saved(tmp_path_factory.mktemp("file"), state))
    assert list(read) == list(state)
    assert all(torch.equal(read[name], state[name]) for name in state)
    assert read["a"].dtype == kind


def test_a_state_dict_of_pykan_is_read_bit_by_bit(plain, checkpoint):
    path = checkpoint(plain)
    read, expected = read_tensors(f"{path}_state"), plain.state_dict()
    assert list(read) == list(expected)
    assert all(torch.equal(read[name], expected[name]) for name in expected)


class Trap:
    """Creates a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (Path.touch, (Path(self.path),))


def test_code_in_a_file_is_not_run(tmp_path):
    path = saved(tmp_path, {"a": torch.zeros(2), "b": Trap(tmp_path / "harm")})
    with pytest.raises(FormatError, match="which is no tensor; nothing was called"):
        read_tensors(path)
    assert not (tmp_path / "harm").exists()
    torch.load(path, weights_only=False)
    assert (tmp_path / "harm").exists()  # the trap works where files are unpickled


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([torch.zeros(2)], "an instruction APPEND beside its tensors"),
        (torch.zeros(2), "it is no table of tensors"),
        ({"a": 3}, "entry 'a' is no tensor"),
        ({3: torch.zeros(2)}, "a name of its table is no text"),
        ({"a": torch.zeros(2, dtype=torch.int64)}, "numbers of the kind 'torch Long"),
    ],
)
def test_other_contents_are_refused(tmp_path, value, message):
    with pytest.raises(FormatError, match=message):
        read_tensors(saved(tmp_path, value))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (b"K\x02K\x03\x86", b"K\x02K\x09\x86", "reaches beyond its numbers"),
        (
            b"K\x02K\x03\x86",
            b"K\x02K\x03\x85",
            "the shape of a tensor is no list of whole numbers",
        ),
        (b"K\x06t", b"K\x07t", "has 24 bytes for 7 numbers of torch.float32"),
        (b"h\x03", b"h\x77", "holds no table of tensors"),
        (b"R", b"s", "fills something that is no table|no table of tensors"),
        (b"t", b"s", "no table"),
        (b"(", b")", "broken off|no table"),
    ],
)
def test_damaged_lists_are_refused(tmp_path, old, new, message):
    path = saved(tmp_path, {"a": torch.zeros(2, 3), "b": torch.zeros(1)})
    described(path, lambda data: data.replace(old, new))
    with pytest.raises(FormatError, match=message):
        read_tensors(path)


def test_negative_strides_are_refused(tmp_path):
    path = saved(tmp_path, {"a": torch.zeros(2, 3)})
    described(
        path,
        lambda data: data.replace(b"K\x03K\x01\x86", b"J\xff\xff\xff\xffK\x01\x86"),
    )
    with pytest.raises(FormatError, match=r"size \(2, 3\) and stride \(-1, 1\)"):
        read_tensors(path)


def test_a_list_that_breaks_off_is_refused(tmp_path):
    path = saved(tmp_path, {"a": torch.zeros(2, 3)})
    described(path, lambda data: data[:40])
    with pytest.raises(FormatError, match="holds no table of tensors"):
        read_tensors(path)
    described(path, lambda data: b"\x80\x02\x86.")
    with pytest.raises(FormatError, match="list of tensors is broken off"):
        read_tensors(path)
    described(path, lambda data: b"\x80\x02t.")
    with pytest.raises(FormatError, match="list of tensors is broken off"):
        read_tensors(path)


@given(st.data())
def test_whatever_a_damaged_file_holds_it_gives_tensors_or_a_format_error(
    tmp_path_factory, data
):
    path = tmp_path_factory.mktemp("file") / "file"
    whole = data.draw(st.booleans())
    damaged = bytearray(ARCHIVE if whole else INSTRUCTIONS)
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(damaged) - 1))
        damaged[place] = data.draw(st.integers(0, 255))
    path.write_bytes(bytes(damaged) if whole else ARCHIVE)
    if not whole:
        described(path, lambda _: bytes(damaged))
    try:
        tensors = read_tensors(path)
    except FormatError:
        return
    assert all(isinstance(value, torch.Tensor) for value in tensors.values())


def test_numbers_are_not_repeated_without_end(tmp_path):
    path = saved(tmp_path, {"a": torch.zeros(1).expand(1000)})
    with pytest.raises(FormatError, match="reaches beyond its numbers"):
        read_tensors(path)


def test_archives_that_torch_does_not_write_are_refused(tmp_path):
    path = saved(tmp_path, {"a": torch.zeros(2)})
    swap = rewritten(path, lambda n, d: b"big" if n.endswith("byteorder") else d)
    with pytest.raises(FormatError, match="not stored in little-endian order"):
        read_tensors(swap)
    path = saved(tmp_path, {"a": torch.zeros(2)})
    rewritten(path, lambda n, d: d, zipfile.ZIP_DEFLATED)
    with pytest.raises(FormatError, match="is compressed, which torch never does"):
        read_tensors(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("other.txt", "nothing")
    with pytest.raises(FormatError, match="has no list of tensors"):
        read_tensors(path)
    path = saved(tmp_path, {"a": torch.zeros(2)}, _use_new_zipfile_serialization=False)
    with pytest.raises(
        FormatError, match=r"no file of torch.save in its present \(zip\)"
    ):
        read_tensors(path)
    with pytest.raises(FormatError, match="No such file"):
        read_tensors(tmp_path / "missing")


class TestConfiguration:
    def test_an_object_as_base_function_is_named_and_not_made(self, made, checkpoint):
        path = checkpoint(made("input-pruned").model)
        with pytest.raises(
            FormatError, match=r"activation.SiLU, an object that is not"
        ):
            read_pykan(path)
        assert read_pykan(path, base="silu").base == "silu"

    def test_code_in_it_is_not_run(self, plain, checkpoint, tmp_path):
        path = checkpoint(plain)
        config = Path(f"{path}_config.yml")
        trap = f"!!python/object/apply:os.mkdir ['{tmp_path / 'harm'}']"
        config.write_text(config.read_text().replace("silu", trap))
        with pytest.raises(
            FormatError, match=r"object/apply:os.mkdir, an object that is"
        ):
            read_pykan(path)
        assert not (tmp_path / "harm").exists()

    def test_what_the_files_do_not_hold_is_unknown(self, plain, checkpoint):
        assert read_pykan(checkpoint(plain)).kept is None

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("- 1", "is no configuration of pykan"),
            ("a: [", "cannot be read"),
            ("a: 1", "names its base function as None"),
            ("base_fun_name: silu", "has no rows of function names"),
            (
                "{base_fun_name: silu, symbolic.funs_name.0: 3, symbolic.funs_name.1: 3}",
                "has no rows of function names",
            ),
            ("base_fun_name: relu", "has no rows of function names"),
        ],
    )
    def test_other_files_are_refused(self, plain, checkpoint, text, message):
        path = checkpoint(plain)
        Path(f"{path}_config.yml").write_text(text)
        with pytest.raises(FormatError, match=message):
            read_pykan(path)

    def test_a_missing_file_is_named(self, tmp_path):
        with pytest.raises(
            FormatError, match=r"mark_config.yml cannot be read: .*No such"
        ):
            read_pykan(tmp_path / "mark")
