"""An AWS account in the box, for trying everything without an AWS account and without a network.

Importing this loads neither moto nor boto3; `open_sandbox` does.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wizard.sandbox.scenarios import ACCOUNT_ID, SCENARIOS, Scenario
from wizard.sandbox.state import default_root, stores
from wizard.secret import Secret

if TYPE_CHECKING:
    import botocore.session

    from wizard.sandbox.app import App
    from wizard.sandbox.guard import Guard
    from wizard.sandbox.messages import Message, Reply

__all__ = [
    "SCENARIOS",
    "Sandbox",
    "SandboxMissing",
    "Scenario",
    "UnknownScenario",
    "open_sandbox",
    "reset_sandbox",
]


class SandboxMissing(Exception):
    """The packages that the sandbox needs are not installed."""

    def __init__(self) -> None:
        super().__init__(
            "The sandbox needs packages that are not installed. Install them with:\n"
            "    python -m pip install 'remotion-lambda-wizard[sandbox]'      (in a clone: '.[sandbox]')"
        )


class UnknownScenario(ValueError):
    """There is no scenario of that name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no sandbox scenario {name!r}. There are: {', '.join(SCENARIOS)}.")


class Sandbox:
    """An open sandbox account. Made by `open_sandbox`."""

    def __init__(self, app: App, guard: Guard) -> None:
        self._app = app
        self._guard = guard
        self.scenario = app.scenario
        self.account_id = ACCOUNT_ID
        self.region = SCENARIOS[app.scenario].region
        self.settles_after = SCENARIOS[app.scenario].settles_after
        self.access_key_id, secret = app.administrator_key()
        self.secret_access_key = Secret(secret)
        token = app.administrator_token()
        self.session_token = Secret(token) if token else None  # of a scenario where one is signed in with a session

    @property
    def warnings(self) -> list[str]:
        """What a person should know, such as a saved state that could not be used."""
        return list(self._app.warnings)

    def install(self, session: botocore.session.Session) -> None:
        """Have every client that is made from this botocore session talk to the sandbox, in process."""
        from wizard.sandbox import transport

        transport.install(self._app, session)

    def reset(self) -> None:
        """Start the account over."""
        self._app.reset()

    def pass_time(self, days: int = 1) -> list[dict[str, Any]]:
        """Let days pass for access keys and for what AWS was asked for.

        Returns the requests for quotas that took a step, as they are now.
        """
        with self.edit():
            from wizard.sandbox.calls import keys, quotas

            keys.pass_time(self.account_id, days)
            return quotas.pass_time(self.account_id, days)

    def keys_of(self, user: str) -> list[tuple[str, Secret]]:
        """Return the ids and secrets of a user's active access keys, the newest first. They open nothing but the sandbox."""
        with self.edit():
            from wizard.sandbox.calls import keys

            return [(key, Secret(secret)) for key, secret in keys.active_keys(self.account_id, user)]

    def edit(self) -> AbstractContextManager[None]:
        """Do what others do to an account: AWS grants a quota, an organisation adds a policy.

        The body of the `with` works on moto's backends and with `wizard.sandbox.calls`; it is saved at the end.
        """
        return self._app.edit()

    def answer(self, message: Message, own_host: str | None = None) -> Reply:
        """Answer one HTTP request: to an AWS host, or to this program's own server under the name `own_host`."""
        return self._app(message, own_host=own_host)

    def close(self) -> None:
        """Let go of the account (its state stays) and of the network, which is shut while a sandbox is open."""
        self._app.close()
        self._guard.release()


def open_sandbox(
    scenario: str = "fresh", *, state_root: Path | None = None, enforce: bool = True, serving: bool = False
) -> Sandbox:
    """Open the account of `scenario`, as it was left or new. Loads moto: call it where nobody waits.

    From then on, and until `close`, this process reaches no network; with `serving` it reaches servers on this machine.

    Raises:
        SandboxMissing: moto is not installed.
        UnknownScenario: There is no such scenario.
    """
    if scenario not in SCENARIOS:
        raise UnknownScenario(scenario)
    try:
        import moto  # noqa: F401
        import werkzeug  # noqa: F401
    except ImportError as error:
        raise SandboxMissing from error
    from wizard.sandbox.guard import Guard

    guard = Guard(serving=serving)
    try:
        from wizard.sandbox.app import App

        return Sandbox(App(scenario, state_root or default_root(), enforced=enforce), guard)
    except BaseException:
        guard.release()
        raise


def reset_sandbox(scenario: str | None = None, *, state_root: Path | None = None) -> list[str]:
    """Forget the state of `scenario`, or of all, and return the names of those that had one. Loads no moto.

    Raises:
        UnknownScenario: There is no such scenario.
    """
    if scenario is not None and scenario not in SCENARIOS:
        raise UnknownScenario(scenario)
    names = list(SCENARIOS) if scenario is None else [scenario]
    done = []
    for name, store in stores(state_root or default_root(), names):
        with store.lock():
            store.clear()
        done.append(name)
    return done
