"""The original record comes whole, with the right hash, or not at all."""

import hashlib
import threading
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from sciren.datasets import fetch_at_neu
from sciren.datasets.at_neu import BLOB, NAME, URL, download_at_neu, read_record
from sciren.datasets.download import fetch_checked, git_blob_hash
from sciren.datasets.solar import radiation_signals
from sciren.errors import ColumnError, DataError, DownloadError


class Handler(BaseHTTPRequestHandler):
    """Answers with some content, or breaks off in the middle of it."""

    def __init__(self, server_state, *arguments):
        self.state = server_state
        super().__init__(*arguments)

    def do_GET(self):
        self.state["requests"] += 1
        content = self.state["content"]
        if content is None:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        cut = len(content) // 2 if self.state["interrupted"] else len(content)
        self.wfile.write(content[:cut])

    def log_message(self, *arguments):
        """Stay silent."""


@pytest.fixture
def server(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    state = {"content": b"", "interrupted": False, "requests": 0}
    local = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, state))
    thread = threading.Thread(target=local.serve_forever, args=(0.01,))
    thread.start()
    state["url"] = f"http://127.0.0.1:{local.server_port}/{NAME}"
    yield state
    local.shutdown()
    thread.join()
    local.server_close()


def blob(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


@pytest.fixture(scope="module")
def content(tmp_path_factory):
    """A small file with the variables of the original."""
    time, sw_pot, dsw_pot = radiation_signals(2003, 2008, 47.1)
    some = slice(None, None, 97)
    rng = np.random.default_rng(0)
    columns = {"sw_pot": sw_pot[some], "dsw_pot": dsw_pot[some]}
    columns["ta"] = columns["sw_pot"] / 20 + rng.normal(size=len(time[some]))
    columns |= {"rb": columns["ta"] * 0, "reco": columns["ta"] * 0}
    data = {name: ("time", values) for name, values in columns.items()}
    file = tmp_path_factory.mktemp("source") / "made.nc"
    xr.Dataset(data, {"time": time[some]}).to_netcdf(file, engine="h5netcdf")
    return file.read_bytes()


def test_the_hash_is_that_of_git(tmp_path):
    file = tmp_path / "a"
    file.write_bytes(b"test content\n")  # from the documentation of git
    assert git_blob_hash(file) == "d670460b4b4aece5915caf5c68d12f560a9fe3e4"
    assert len(BLOB) == 40
    assert URL.endswith("bask0/q10hybrid/HEAD/data/Synthetic4BookChap.nc")


def test_the_record_is_simulated_on_the_drivers_of_the_file(server, content, tmp_path):
    server["content"] = content
    study = fetch_at_neu(tmp_path, "abs", 3, url=server["url"], blob=blob(content))
    assert study.temperature == "measured"
    assert (study.setting, study.seed) == ("abs", 3)
    drivers = read_record(tmp_path / NAME)
    for name in ("time", "sw_pot", "dsw_pot", "ta"):
        np.testing.assert_array_equal(study.frame[name], drivers[name])
    assert study.frame["reco"].std() > 0
    assert set(study.frame["time"].dt.year[study.test]) == {2008}
    assert [file.name for file in tmp_path.iterdir()] == [NAME]


def test_a_file_is_fetched_once_and_again_when_it_was_altered(
    server, content, tmp_path
):
    server["content"] = content
    for altered, requests in ((False, 1), (False, 1), (True, 2)):
        if altered:
            (tmp_path / NAME).write_bytes(b"altered")
        file = download_at_neu(tmp_path, url=server["url"], blob=blob(content))
        assert file.read_bytes() == content
        assert server["requests"] == requests


def test_another_file_than_the_expected_is_not_kept(server, tmp_path):
    server["content"] = b"<html>moved</html>"
    with pytest.raises(DownloadError, match=rf"git blob hash .*, not {BLOB}.*not kept"):
        download_at_neu(tmp_path / "new", url=server["url"])
    assert not list((tmp_path / "new").iterdir())


def test_a_download_that_breaks_off_leaves_nothing(server, content, tmp_path):
    server |= {"content": content, "interrupted": True}
    with pytest.raises(DownloadError, match=r"cannot be downloaded|cut short"):
        download_at_neu(tmp_path, url=server["url"], blob=blob(content))
    assert not list(tmp_path.iterdir())


def test_a_download_that_breaks_off_leaves_the_file_from_before(
    server, content, tmp_path
):
    server |= {"content": content, "interrupted": True}
    (tmp_path / NAME).write_bytes(b"older")
    with pytest.raises(DownloadError):
        download_at_neu(tmp_path, url=server["url"], blob=blob(content))
    assert (tmp_path / NAME).read_bytes() == b"older"
    assert len(list(tmp_path.iterdir())) == 1


def test_an_interrupt_leaves_nothing(server, content, tmp_path, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    server["content"] = content
    monkeypatch.setattr("sciren.datasets.download._check", interrupt)
    with pytest.raises(KeyboardInterrupt):
        download_at_neu(tmp_path, url=server["url"], blob=blob(content))
    assert not list(tmp_path.iterdir())


def test_a_missing_page_says_its_status(server, tmp_path):
    server["content"] = None
    with pytest.raises(DownloadError, match="404"):
        download_at_neu(tmp_path, url=server["url"])


def test_without_a_network_the_message_says_where_to_put_the_file(server, tmp_path):
    gone = "http://127.0.0.1:9/file.nc"  # nobody listens at the discard port
    with pytest.raises(DownloadError, match=rf"ConnectionError.*put it at .*{NAME}"):
        download_at_neu(tmp_path, url=gone)
    (tmp_path / NAME).write_bytes(b"by hand")
    assert download_at_neu(tmp_path, url=gone, blob=blob(b"by hand")).exists()


def test_a_place_that_cannot_be_written_says_so(server, content, tmp_path):
    server["content"] = content
    (tmp_path / "file").write_text("")
    with pytest.raises(DownloadError, match="cannot be written"):
        fetch_checked(server["url"], tmp_path / "file" / "a.nc", blob(content))


def test_without_a_folder_the_cache_of_the_user_is_taken(
    server, content, tmp_path, monkeypatch
):
    server["content"] = content
    monkeypatch.setattr("pooch.os_cache", lambda name: tmp_path / name)
    file = download_at_neu(url=server["url"], blob=blob(content))
    assert file == tmp_path / "sciren" / NAME


def test_files_that_are_no_record_say_what_is_wrong(tmp_path):
    file = tmp_path / "a.nc"
    file.write_bytes(b"CDF but nothing else")
    with pytest.raises(DataError, match=r"a.nc: cannot be read as NetCDF"):
        read_record(file)
    times = pd.date_range("2003-01-01", periods=3, freq="D").to_numpy()
    columns = {"sw_pot": ("time", np.zeros(3)), "TA": ("time", np.zeros(3))}
    xr.Dataset(columns, {"time": times}).to_netcdf(file, engine="h5netcdf")
    with pytest.raises(ColumnError, match=r"a.nc: there is no variable 'dsw_pot'"):
        read_record(file)
