"""Paths as agents recorded them: of another machine, perhaps of another operating system, and never looked up on disk."""

import re

_DRIVE = re.compile(r"[A-Za-z]:[\\/]")


def is_absolute(path: str) -> bool:
    r"""Whether a recorded path is absolute: `/…`, `C:\…`, `C:/…` or `\\server\share…`."""
    return path.startswith(("/", "\\\\")) or _DRIVE.match(path) is not None


def components(path: str) -> tuple[str, ...] | None:
    r"""The parts of an absolute recorded path, the first one naming what it hangs from (`/`, `c:`, `\\server`); else None.

    `//`, `.`, `..` and slashes at the end are resolved as text; `..` at the top stays at the top.
    """
    if _DRIVE.match(path):
        top, rest = path[:2].lower(), re.split(r"[\\/]", path[2:])
    elif path.startswith("\\\\"):
        server, *rest = re.split(r"[\\/]", path[2:])
        top = "\\\\" + server.lower()
    elif path.startswith("/"):
        top, rest = "/", path.split("/")
    else:
        return None
    parts = [top]
    for part in rest:
        if part == "..":
            if len(parts) > 1:
                parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return tuple(parts)


def comparable(parts: tuple[str, ...]) -> tuple[str, ...]:
    """The parts as they are compared: Windows does not tell upper from lower case."""
    return parts if parts[0] == "/" else tuple(part.casefold() for part in parts)
