"""What `forge` tells the shell: one table, printed in docs/cli.md and held there by a test."""

from enum import IntEnum


class ExitCode(IntEnum):
    """Exit codes of every `forge` command. A scheduler may rely on them."""

    OK = 0
    FAILED = 1
    USAGE = 2
    PARTIAL = 3
    STALE = 4
    LOCKED = 5


MEANINGS: dict[ExitCode, str] = {
    ExitCode.OK: "Done.",
    ExitCode.FAILED: "Something failed: a load, a model's test, a query, a check of `forge doctor`. The last release stays.",
    ExitCode.USAGE: "The command line, a policy file, the lake's place or the redaction key is wrong. Nothing was done.",
    ExitCode.PARTIAL: "Something was left out, and the summary says what: a town or home that could not be reached, a source that "
    "another process was loading, an export that lacks a declaration. All else was done.",
    ExitCode.STALE: "`forge status` only: a town was not looked at, or nothing was built, for longer than `--max-age-hours`.",
    ExitCode.LOCKED: "Another process builds on the same lake, or judges episodes under the same name. The message says which one. "
    "Try again later.",
}


def expected(error: BaseException) -> ExitCode | None:
    """The exit code of a failure that is told in one sentence; None for one that deserves its traceback.

    Imports late, for the sake of the commands that do not fail.
    """
    from ingest.identity import TownIdentityError, TownUnreachable
    from ingest.positioned_yaml import PolicyFileError
    from ingest.redaction_key import RedactionKeyError
    from lake.duck import NoCatalogError
    from lake.location import LakeLocationError
    from lake.locks import LockHeldError
    from lake.releases import NoReleaseError
    from lake.tell import Told

    if isinstance(error, Told):
        return error.exit_code
    if isinstance(error, PolicyFileError | TownIdentityError | LakeLocationError | RedactionKeyError):
        return ExitCode.USAGE
    if isinstance(error, LockHeldError):
        return ExitCode.LOCKED
    if isinstance(error, TownUnreachable):
        return ExitCode.PARTIAL
    if isinstance(error, NoCatalogError | NoReleaseError):
        return ExitCode.FAILED
    return None
