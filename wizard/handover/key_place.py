"""The place of an access key: a .env file, or a profile in the AWS credentials file. Written, read back, put back.

What lay there before is kept in memory only: it may be the only copy of a secret.
"""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any, Final

from wizard.account.connect import Keys
from wizard.account.discover import stored_keys
from wizard.account.snapshot import LocalState
from wizard.handover import aws_profile, env_file
from wizard.handover.files import read_small, remove, write_whole
from wizard.plan.changes import Destination
from wizard.problem import Problem, ProblemError
from wizard.remotion import names
from wizard.secret import Secret

_VARIABLES: Final = (names.ACCESS_KEY_ID, names.SECRET_ACCESS_KEY, names.SESSION_TOKEN, names.PROFILE)
_SETTINGS: Final = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")


class KeyPlace:
    """Where a key goes. `is_written` says that it was written by this object, so that something can be put back."""

    def __init__(self, destination: Destination) -> None:
        self.destination = destination
        self.is_file = destination.kind == "env-file"
        self.path = Path(destination.env_file if self.is_file else destination.credentials_file)
        self.is_written = False
        self._what = "The .env file" if self.is_file else "The AWS credentials file"
        self._before: Secret | None = None  # the text of the file; None: there was none
        self._mode: int | None = None
        self._after: Secret | None = None

    @property
    def name(self) -> str:
        """The place, for people."""
        return str(self.path) if self.is_file else f"{self.path} [{self.destination.profile}]"

    def facts(self) -> dict[str, Any]:
        """Return what taking a key back has to know of its place, as it is now; no value of it. Raises ProblemError."""
        facts: dict[str, Any] = {"file": str(self.path), "made": not self.path.exists()}
        if not self.is_file:
            return {**facts, "profile": self.destination.profile}
        found = env_file.variables_of(self.path)
        return {**facts, "set_aside": [name for name in _VARIABLES if found.get(name)]}

    def key_id(self) -> str:
        """Return the id of the key that lies there now, "" if none does. Raises ProblemError if the file can't be read."""
        return self._values(read_small(self.path, self._what))[0] or ""

    def held(self) -> Keys | None:
        """Return the credentials that lie there now; None if none do, or it can't be read."""
        local = LocalState(self.destination.env_file, credentials_file=self.destination.credentials_file)
        return stored_keys(local, self.destination.profile)[0]

    def holds(self, access_key_id: str, secret: Secret) -> bool:
        """Whether this key lies there, as a whole."""
        held = self.held()
        return held == Keys(access_key_id, secret)

    def store(self, access_key_id: str, secret: Secret) -> None:
        """Write a key there and read it back.

        Raises ProblemError. Unless `is_written`, the old file is whole then.
        """
        self._remember()
        if self.is_file:
            values: dict[str, Secret | str | None] = {
                names.ACCESS_KEY_ID: access_key_id,
                names.SECRET_ACCESS_KEY: secret,
                names.SESSION_TOKEN: None,  # a token of older, temporary keys would break the new ones
                names.PROFILE: None,  # Remotion takes it before the keys
            }
            env_file.write_variables(self.path, values, set_aside=True, gone=self._gone())
        else:
            aws_profile.write_profile(self.path, self.destination.profile, access_key_id, secret)
        self.is_written = True
        self._after = Secret(read_small(self.path, self._what))
        if not self.holds(access_key_id, secret):
            raise ProblemError(
                Problem(
                    "The secret was written but can't be read back.", self.name, "Look at the file, then try again."
                )
            )

    def put_back(self, access_key_id: str) -> str:
        """Put back what lay there before `access_key_id` was written there, and say so; "" if nothing was written.

        Where somebody has changed the file since, only the key is put back; where they have put another key there,
        nothing is. Raises ProblemError if that fails.
        """
        if not self.is_written:
            return ""
        now = read_small(self.path, self._what)
        if not self.path.exists() or Secret(now) == self._after:
            self._put_file_back()
        else:
            lies_there = self._values(now)[0]
            if lies_there not in {"", None, access_key_id}:
                return f"Something else has put the key {lies_there} into {self.name} since. It is left as it is."
            self._put_values_back(access_key_id)
        if self._values(read_small(self.path, self._what)) != self._values(self._text_before):
            raise ProblemError(Problem(f"{self._what} does not read as it did before.", self.name))
        self.is_written = False
        return f"What was in {self.name} before is there again."

    @property
    def _text_before(self) -> str:
        return self._before.reveal() if self._before is not None else ""

    def _remember(self) -> None:
        there = self.path.exists()
        self._before = Secret(read_small(self.path, self._what)) if there else None
        self._mode = stat.S_IMODE(self.path.stat().st_mode) if there else None

    def _put_file_back(self) -> None:
        if self._before is None:
            remove(self.path, self._what)
        else:
            write_whole(self.path, self._before.reveal(), self._mode, self._what)

    def _put_values_back(self, access_key_id: str) -> None:
        before = self._values(self._text_before)
        if self.is_file:
            env_file.write_variables(self.path, dict(zip(_VARIABLES, before, strict=True)))
        elif before[0] and before[1]:
            aws_profile.write_profile(self.path, self.destination.profile, before[0], Secret(before[1]))
        else:
            aws_profile.take_back(self.path, self.destination.profile, access_key_id)

    def _values(self, text: str) -> list[str | None]:
        """What a text of the file says about keys, in the order of the names above. Not for showing: it has the secret."""
        if self.is_file:
            found = env_file.read_variables(text)
            return [found.get(name) for name in _VARIABLES]
        section = aws_profile.profile_in(text, self.destination.profile) or {}
        return [section.get(name) for name in _SETTINGS]

    def _gone(self) -> tuple[str, ...]:
        """The values in a .env file that belong to the key that is replaced."""
        found = env_file.read_variables(self._text_before)
        replaced = self.destination.replaces
        if not replaced or found.get(names.ACCESS_KEY_ID) != replaced:
            return ()
        return tuple(found.get(name, "") for name in _VARIABLES[:3])
