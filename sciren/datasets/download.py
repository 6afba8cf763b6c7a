"""Files from the network: checked, whole or not at all, and fetched only once."""

import hashlib
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Any

from sciren.errors import DownloadError

TIMEOUT = 60.0  # seconds without an answer


def git_blob_hash(path: Path) -> str:
    """Return the name that git gives to the content of a file.

    sha1("blob <bytes>\\0" + content), as 40 hexadecimal digits.
    """
    total = hashlib.sha1(usedforsecurity=False)
    total.update(f"blob {path.stat().st_size}\0".encode())
    with path.open("rb") as stream:
        while part := stream.read(1 << 20):
            total.update(part)
    return total.hexdigest()


def fetch_checked(
    url: str, path: Path, blob: str, progress: bool = False, timeout: float = TIMEOUT
) -> Path:
    """Download a file, unless it is there already; return its path.

    A file appears at ``path`` only when all of it has arrived and has the hash; one that
    is there with another hash is fetched again.

    Args:
        url: http or https.
        path: where it is kept; the folder is made.
        blob: git blob hash of the content.
        progress: whether to draw a bar on stderr.
        timeout: seconds without an answer before giving up.
    Raises:
        DownloadError: the network or the disk fail, or the content is not the expected one.
    """
    path = path.expanduser()
    # By the hash, not by its presence: a file that was cut short is fetched again.
    if path.is_file() and git_blob_hash(path) == blob:
        return path
    # A random name: two processes that download at once must not write into one file.
    hidden = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _download(url, hidden, path, progress, timeout)
        _check(hidden, url, blob)
        hidden.replace(path)
    except OSError as error:
        raise DownloadError(
            f"{path}: cannot be written: {error.strerror or error}; choose another folder"
        ) from error
    finally:
        with suppress(OSError):
            hidden.unlink()
    return path


def _download(
    url: str, hidden: Path, path: Path, progress: bool, timeout: float
) -> None:
    import pooch
    from requests.exceptions import RequestException

    try:
        fetch: Any = pooch.HTTPDownloader(progressbar=progress, timeout=timeout)
        fetch(url, str(hidden), None)
    except RequestException as error:
        reason = " ".join(str(error).split())[:200]
        raise DownloadError(
            f"{url} cannot be downloaded ({type(error).__name__}: {reason}). Try again "
            f"with a network, or get the file elsewhere and put it at {path}"
        ) from error


def _check(hidden: Path, url: str, blob: str) -> None:
    digest = git_blob_hash(hidden)
    if digest != blob:
        raise DownloadError(
            f"{url}: what arrived ({hidden.stat().st_size:,} bytes) has the git blob hash "
            f"{digest}, not {blob}: the download was cut short, or the source has changed. "
            "It was not kept; try again"
        )
