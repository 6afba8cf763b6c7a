"""Time zones by name or offset."""

import datetime as dt
import re
import zoneinfo

from sciren.errors import ConfigError

_OFFSET = re.compile(r"(?:UTC|GMT)?([+-])(\d{1,2})(?::?(\d\d))?")


def zone_named(name: str) -> dt.tzinfo:
    """Return a time zone from its name or its offset, such as ``+01:00`` or ``UTC+1``.

    Raises:
        ConfigError: no such zone.
    """
    # Offsets as people write them: UTC+1 is east. The database's Etc/GMT+1 is west.
    offset = _OFFSET.fullmatch(name.strip())
    if offset:
        size = dt.timedelta(hours=int(offset[2]), minutes=int(offset[3] or 0))
        if size < dt.timedelta(hours=15):  # clocks on land are within +14 and -12 hours
            return dt.timezone(size if offset[1] == "+" else -size)
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ConfigError(
            f"time zone {name!r} does not exist; write an offset such as '+01:00', UTC, "
            "or a name such as Europe/Zurich"
        ) from error
