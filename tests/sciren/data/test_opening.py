"""A heap in a damaged NetCDF file that leads nowhere is refused before it is read."""

import struct

import pytest

from discovery import read_table
from sciren.data import opening
from sciren.data.opening import HEAD, HEAP, check_heaps
from sciren.errors import DataError


def heap(*objects: tuple[int, int], size: int = 256) -> bytes:
    """A heap of HDF5 with objects (number, length); zeros fill it up."""
    body = b"".join(
        struct.pack("<HHIQ", number, 1, 0, length)
        + bytes((length + 7) // 8 * 8 if number else length - HEAD)
        for number, length in objects
    )
    return (HEAP + struct.pack("<Q", size) + body).ljust(size, b"\0")


def test_heaps_that_end_pass(tmp_path):
    for name, content in {
        "full": heap((1, 13), (2, 8), (0, 256 - HEAD - 32 - 24)),
        "small rest": heap((1, 256 - 3 * HEAD), (0, 16)),
        "too long": heap((1, 8)) [:40] + struct.pack("<HHIQ", 2, 1, 0, 2**60),
        "none": b"\x89HDF",
        "empty": b"",
    }.items():  # fmt: skip
        path = tmp_path / name
        path.write_bytes(content)
        check_heaps(path)


@pytest.mark.parametrize(
    "content",
    [heap((1, 13)), heap(), b"x" * 77 + heap((1, 40), (2, 40)), heap((1, 8))
     + heap((1, 8), (0, 0 + HEAD), (3, 1))],
    ids=["rest of zeros", "nothing", "later", "second"],
)  # fmt: skip
def test_heaps_without_end_are_refused(tmp_path, content):
    path = tmp_path / "a.nc"
    path.write_bytes(content)
    with pytest.raises(OSError, match=r"its heap at byte \d+ .* no end"):
        check_heaps(path)


def test_a_file_is_searched_again_only_when_it_has_changed(tmp_path, monkeypatch):
    searched = []
    monkeypatch.setattr(opening, "_ends", lambda *_: searched.append(1) or True)
    path = tmp_path / "a.nc"
    path.write_bytes(heap((1, 13)))
    check_heaps(path)
    check_heaps(path)
    assert len(searched) == 1
    path.write_bytes(heap((1, 13), size=512))
    check_heaps(path)
    assert len(searched) == 2


def test_a_damaged_table_is_one_line(tmp_path):
    import pandas as pd

    frame = pd.DataFrame({"x": [1.0, 2.0], "y": [3.0, 4.0]})
    path = tmp_path / "a.nc"
    frame.to_xarray().to_netcdf(path, engine="h5netcdf")
    assert len(read_table(path)) == 2
    content = path.read_bytes()
    start = content.index(HEAP) + HEAD
    # the first object leads into the zeros behind it
    broken = content[: start + 8] + struct.pack("<Q", 2048) + content[start + HEAD :]
    path.write_bytes(broken)
    with pytest.raises(DataError, match=r"a\.nc.*no end"):
        read_table(path)
