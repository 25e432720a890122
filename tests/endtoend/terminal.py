"""A real terminal for tests: tmux on a private socket. Type into it, wait for what appears, read the screen."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import time
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

PATIENCE = 60.0  # seconds until a text that does not appear fails the test
PROMPT = "the shell is back"


def missing() -> str:
    """Why there is no terminal to test in; "" if there is one."""
    return "" if shutil.which("tmux") else "tmux is not installed"


class Terminal:
    """`with Terminal([...], size=(80, 24)) as terminal: terminal.press("Enter"); terminal.wait_for("text")`."""

    def __init__(
        self, command: Sequence[str], folder: Path, environment: Mapping[str, str], size: tuple[int, int] = (80, 24)
    ) -> None:
        self._socket = f"wizard-{uuid.uuid4().hex[:12]}"
        settings = " ".join(f"{name}={shlex.quote(value)}" for name, value in environment.items())
        line = f"env -i {settings} {shlex.join(command)}; code=$?; echo; echo {PROMPT}, code $code; exec sleep 600"
        width, height = size
        self._tmux("new-session", "-d", "-x", str(width), "-y", str(height), "-c", str(folder), line)
        self._tmux("set-option", "-g", "history-limit", "5000")

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        subprocess.run(["tmux", "-L", self._socket, "kill-server"], check=False, capture_output=True)

    def press(self, *keys: str) -> None:
        """Press keys by tmux's names: Enter, Escape, Down, C-q, …"""
        for key in keys:
            self._tmux("send-keys", key)

    def type(self, text: str) -> None:
        """Type text as it is."""
        self._tmux("send-keys", "-l", text)

    def resize(self, width: int, height: int) -> None:
        """Change the terminal's size."""
        self._tmux("resize-window", "-x", str(width), "-y", str(height))

    def screen(self) -> str:
        """What the terminal shows now."""
        return self._tmux("capture-pane", "-p")

    def everything(self) -> str:
        """What the terminal shows, and what has scrolled out of it."""
        return self._tmux("capture-pane", "-p", "-S", "-5000")

    def pid(self) -> int:
        """The process that the terminal runs."""
        return int(self._tmux("list-panes", "-F", "#{pane_pid}").strip())

    def child(self) -> int:
        """The process of the command itself: what the terminal runs is the shell around it."""
        shell = self.pid()
        children = Path(f"/proc/{shell}/task/{shell}/children").read_text().split()
        return int(children[0])

    def close(self) -> None:
        """Close the terminal, as a person closes the window: what runs in it gets SIGHUP, and can't write any more."""
        self._tmux("kill-server")

    def is_restored(self) -> bool:
        """Whether the terminal is as a program must leave it: no other screen, the cursor seen, lines edited and echoed."""
        flags = "#{alternate_on} #{cursor_flag} #{mouse_any_flag} #{pane_tty}"
        alternate, cursor, mouse, tty = self._tmux("display-message", "-p", flags).split()
        modes = subprocess.run(["stty", "-F", tty, "-a"], capture_output=True, text=True, check=True).stdout.split()
        return (
            (alternate, cursor, mouse) == ("0", "1", "0") and "icanon" in modes and "echo" in modes and "isig" in modes
        )

    def wait_for(self, *texts: str) -> str:
        """Wait until the screen shows all the texts; return it. Fails with the screen as it is."""
        return self._wait(lambda shown: all(text in shown for text in texts), f"{texts} to appear")

    def wait_while(self, text: str) -> str:
        """Wait until the screen does not show a text any more; return it."""
        return self._wait(lambda shown: text not in shown, f"{text!r} to go away")

    def press_until(self, key: str, text: str) -> str:
        """Press a key, again now and then, until the screen shows a text: a key at first paint may get lost."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            self.press(key)
            pause = time.monotonic() + 2.0
            while time.monotonic() < pause:
                if text in self.screen():
                    return self.screen()
                time.sleep(0.05)
        raise AssertionError(f"waited for {text!r} to appear; the screen shows:\n{self.screen()}")

    def fill(self, text: str) -> None:
        """Replace what stands in the focused line by `text`.

        The line is cleared by a binding, which Textual handles after letters that follow at once: so wait in between.
        """
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            self.press("End", "C-u")
            self._wait_until_still()
            self.type(text)
            self._wait_until_still()
            if text in self.screen():
                return
        raise AssertionError(f"typed {text!r} in vain; the screen shows:\n{self.screen()}")

    def _wait_until_still(self) -> None:
        before, still = "", 0
        while still < 4:
            time.sleep(0.15)
            now = self.screen()
            still = still + 1 if now == before else 0
            before = now

    def _wait(self, wanted: object, what: str) -> str:
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            shown = self.screen()
            if callable(wanted) and wanted(shown):
                return shown
            time.sleep(0.05)
        raise AssertionError(f"waited for {what}; the screen shows:\n{self.screen()}")

    def _tmux(self, *arguments: str) -> str:
        environment = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "LC_ALL": "C.UTF-8"}
        command = ["tmux", "-L", self._socket, "-f", "/dev/null", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
        return done.stdout
