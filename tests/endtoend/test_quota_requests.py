"""Ten people ask for the same at the same time: AWS hears of it once."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

from wizard.sandbox.messages import Message, Reply
from wizard.sandbox.server import RunningServer

RUNS = 10


def test_ten_concurrent_runs_send_one_request(tmp_path: Path) -> None:
    heard: Counter[str] = Counter()
    lock = threading.Lock()
    with RunningServer("fresh", state_root=tmp_path / "sandbox", latency_ms=50) as server:
        answer = server.sandbox.answer

        def counted(message: Message, own_host: str | None = None) -> Reply:
            with lock:
                heard[message.header("X-Amz-Target").rpartition(".")[2]] += 1
            return answer(message, own_host)

        server.sandbox.answer = counted  # type: ignore[method-assign]
        environment = {
            **os.environ,
            "AWS_ACCESS_KEY_ID": server.sandbox.access_key_id,
            "AWS_SECRET_ACCESS_KEY": server.sandbox.secret_access_key.reveal(),
            "REMOTION_LAMBDA_WIZARD_STATE": str(tmp_path / "state"),
        }
        command = [sys.executable, "-m", "wizard", "quotas", "request", "--yes", "--endpoint-url", server.url]
        started = [
            subprocess.Popen(
                command,
                cwd=tmp_path,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            for _ in range(RUNS)
        ]
        ended = [process.communicate(timeout=120) for process in started]
        history = server.sandbox  # still open: the account is looked at below
        assert heard["RequestServiceQuotaIncrease"] == 1
        with history.edit():
            from wizard.sandbox.calls import quotas

            assert len(quotas.requests(history.account_id, "us-east-1")) == 1
    codes = [process.returncode for process in started]
    said = [out + err for out, err in ended]
    assert not any("Traceback" in text for text in said)
    assert set(codes) <= {0, 1} and codes.count(0) >= 1
    sent = [text for text in said if "us-east-1: 1,000 asked for, PENDING" in text]
    assert len(sent) == 1
    for code, text in zip(codes, said, strict=True):
        if code == 1:
            assert "Another wizard is changing this account" in text or "A request is open in us-east-1 already" in text
