"""The sandbox's accounts on their way to a higher concurrency: what the program says of each, and what days change."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.engine.support import given
from wizard.cli import main
from wizard.collect.session import Session
from wizard.engine import Engine, Options
from wizard.prompts.walk import LineMode
from wizard.quotas import advice
from wizard.quotas.limits import QUOTA, RegionQuota, State
from wizard.remotion.regions import OPT_IN, SUPPORTED
from wizard.sandbox import Sandbox, open_sandbox
from wizard.sandbox.calls import quotas
from wizard.text import day

from .sandbox_support import Clients, error_of

ACCOUNT = "123456789012"
CASE = r"case 17\d{9}"


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Callable[[str], Sandbox]]:
    made: list[Sandbox] = []

    def open_it(name: str) -> Sandbox:
        made.append(open_sandbox(name, state_root=tmp_path))
        return made[-1]

    yield open_it
    for sandbox in made:
        sandbox.close()


class Said:
    """What the program says of a scenario: in the terminal, in line mode, as JSON."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def listed(self, scenario: str, *arguments: str, code: int = 0) -> tuple[str, dict[str, dict[str, Any]]]:
        """The text, and the JSON by region."""
        self._capsys.readouterr()
        assert main(["quotas", "--sandbox", scenario, *arguments]) == code
        text = self._capsys.readouterr().out
        assert main(["quotas", "--sandbox", scenario, *arguments, "--json"]) == code
        document = json.loads(self._capsys.readouterr().out)
        return text, {quota["region"]: quota for quota in document["quotas"]}

    def in_line(self, scenario: str, *regions: str) -> str:
        """What line mode says at the step."""
        engine = Engine(Options(sandbox=scenario))
        engine.connect()
        answers = given(remotion__regions=list(regions))
        self._capsys.readouterr()
        LineMode(engine, Session(answers), None)._show_quotas(answers)
        return self._capsys.readouterr().out

    def command(self, *arguments: str, code: int = 0) -> str:
        self._capsys.readouterr()
        assert main(arguments) == code
        said = self._capsys.readouterr()
        return said.out + said.err


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Said:
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    return Said(capsys)


def test_a_pending_request_is_told_with_its_case_and_the_answers_for_aws(said: Said) -> None:
    regions = ("us-east-1", "eu-west-1")
    text, found = said.listed("quota-pending", "--region", regions[0], "--region", regions[1])
    case = found["us-east-1"]["open_request"]
    assert (case["status"], case["value"]) == ("CASE_OPENED", 1000) and case["case_id"] in case["link"]
    assert found["eu-west-1"]["open_request"]["status"] == "PENDING"
    assert f"1,000 asked for, case {case['case_id']}" in text and case["link"] in text
    assert "1 pending and 1 with an open case" in text and "Nothing to send" in text
    assert f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:remotion-render-4-0-527-" in text
    spoken = said.in_line("quota-pending", *regions)
    assert f"us-east-1: limit 10; pending since {day(case['created'])}: 1,000 asked for" in spoken
    assert "█" not in spoken and "quotas request" not in spoken
    refusal = said.command("quotas", "request", "--sandbox", "quota-pending", "--yes", code=1)
    assert "A request is open in us-east-1 already" in refusal and "Nothing was sent" in refusal


def test_a_denied_request_is_told_with_what_to_do_next(said: Said) -> None:
    text, found = said.listed("quota-denied")
    one = found["us-east-1"]
    assert (one["standing"], one["open_request"], one["history"][0]["status"]) == ("denied", None, "DENIED")
    assert (one["value"], one["applied"], one["default"]) == (10, None, 1000)
    assert "AWS denied it (5,000" in text and "quotas request --region us-east-1 --value 1000" in text
    assert "Service Quotas has no value of this account's" in text
    assert "AWS denied it (5,000" in said.in_line("quota-denied", "us-east-1")
    sent = said.command("quotas", "request", "--sandbox", "quota-denied", "--value", "1000", "--yes")
    assert "us-east-1: 1,000 asked for, PENDING" in sent


def test_a_raised_limit_is_told_with_what_others_keep_and_what_is_not_applied_yet(said: Said) -> None:
    text, found = said.listed("quota-raised", "--region", "us-east-1", "--region", "eu-central-1")
    home = found["us-east-1"]
    assert (home["value"], home["unreserved"], home["standing"]) == (1000, 700, "enough")
    assert home["reserved_by"] == [{"function": "order-mails-send", "executions": 300}]
    assert home["recommendation"] is None
    assert found["eu-central-1"]["standing"] == "approved" and "not applied yet: 1,000" in text
    assert "300 of 1,000 are kept by order-mails-send 300" in text
    assert "limit 1,000, 700 of it free; enough" in said.in_line("quota-raised", "us-east-1")
    refusal = said.command(
        "quotas", "request", "--sandbox", "quota-raised", "--region", "eu-central-1", "--yes", code=1
    )
    assert "it is only not applied yet" in refusal


def test_a_missing_role_is_told_with_the_permission_and_who_gives_it(said: Said) -> None:
    text, _ = said.listed("no-slr")
    assert "low: at most 9 render functions at once" in text and "low: at most 9" in said.in_line("no-slr", "us-east-1")
    refusal = said.command("quotas", "request", "--sandbox", "no-slr", "--yes", code=1)
    assert "Missing permission: iam:CreateServiceLinkedRole on arn:aws:iam::123456789012:role/" in refusal
    assert "Only the administrator of your AWS organisation can give it" in refusal
    assert said.listed("no-slr")[1]["us-east-1"]["history"] == []


def test_regions_that_are_off_or_blocked_are_no_errors(said: Said) -> None:
    text, found = said.listed("regions-off", "--all-regions")
    states = {region: quota["state"] for region, quota in found.items()}
    assert list(states) == [region for region in SUPPORTED if not region.startswith("cn-")]
    assert {region for region, state in states.items() if state == "off"} == set(OPT_IN)
    assert {region for region, state in states.items() if state == "blocked"} == {"eu-west-3", "sa-east-1"}
    assert sum(state == "read" for state in states.values()) == 15
    assert "23 regions: 15 low, 6 not enabled and 2 blocked." in text
    assert "The account has not enabled this region." in text
    assert "explicit deny in a service control policy: arn:aws:organizations::210987654321:policy" in text
    spoken = said.in_line("regions-off", "eu-south-1", "sa-east-1")
    assert "eu-south-1: not enabled in this account." in spoken
    assert "sa-east-1: blocked by a policy of the organisation." in spoken


def test_without_a_role_the_first_request_is_refused_by_aws_itself(opened: Callable[[str], Sandbox]) -> None:
    service = Clients(opened("no-slr"))("service-quotas")
    with pytest.raises(ClientError) as refused:
        service.request_service_quota_increase(**QUOTA, DesiredValue=1000)
    assert error_of(refused.value)[:2] == (
        "DependencyAccessDeniedException",
        "Service-linked role creation access denied.",
    )


def test_a_region_that_is_off_takes_no_credentials(opened: Callable[[str], Sandbox]) -> None:
    clients = Clients(opened("regions-off"))
    with pytest.raises(ClientError) as refused:
        clients("lambda", "eu-south-1").get_account_settings()
    assert error_of(refused.value)[0] == "UnrecognizedClientException"
    clients("account").enable_region(RegionName="eu-south-1")
    assert clients("lambda", "eu-south-1").get_account_settings()["AccountLimit"]["ConcurrentExecutions"] == 10
    assert Clients(opened("fresh"))("lambda", "eu-south-1").get_account_settings()


def test_days_take_a_request_from_pending_to_a_limit_that_holds(said: Said) -> None:
    said.command("quotas", "request", "--sandbox", "--yes")
    steps = [("CASE_OPENED", "case-opened", 10), ("APPROVED", "approved", 10), ("APPROVED", "enough", 1000)]
    changes = ["opened a support case", "has approved it, but has not applied it yet", "rose from 10 to 1,000"]
    for (status, standing, limit), change in zip(steps, changes, strict=True):
        assert status in said.command("sandbox", "tick")
        text = said.command("quotas", "--sandbox")
        assert change in text.partition("What changed:")[2].partition("\n\n")[0]
        one = said.listed("fresh")[1]["us-east-1"]
        assert (one["standing"], one["value"], one["history"][0]["status"]) == (standing, limit, status)
    assert "Nothing was waiting for AWS" in said.command("sandbox", "tick", "--days", "30")
    assert "What changed" not in said.command("quotas", "--sandbox")
    said.command("sandbox", "reset", "--scenario", "fresh")
    assert "What changed" not in said.command("quotas", "--sandbox")
    assert "out of range" in said.command("sandbox", "tick", "--days", "0", code=2)
    assert "there is no sandbox scenario" in said.command("sandbox", "tick", "--scenario", "mars", code=2)


def test_too_much_is_denied(said: Said) -> None:
    said.command("quotas", "request", "--sandbox", "--value", "20000", "--yes")
    assert "the request for 20,000 is DENIED" in said.command("sandbox", "tick", "--days", "5")
    assert "AWS has denied it" in said.command("quotas", "--sandbox")


def test_time_makes_requests_older_and_a_scenarios_own_request_goes_on(opened: Callable[[str], Sandbox]) -> None:
    sandbox = opened("quota-pending")
    history = Clients(sandbox)("service-quotas").list_requested_service_quota_change_history_by_quota
    before = history(**QUOTA)["RequestedQuotas"][0]
    (case, waiting) = sorted(sandbox.pass_time(), key=lambda request: str(request["Status"]))
    assert (case["Region"], case["Status"]) == ("us-east-1", "APPROVED")
    assert (waiting["Region"], waiting["Status"]) == ("eu-west-1", "CASE_OPENED")
    after = history(**QUOTA)["RequestedQuotas"][0]
    assert (before["Created"] - after["Created"]).days == 1 and after["CaseId"] == before["CaseId"]
    assert sandbox.pass_time(2)[0]["sandbox_applied"]
    with sandbox.edit():
        assert quotas.concurrency(ACCOUNT, "us-east-1") == 1000
        assert quotas.concurrency(ACCOUNT, "eu-west-1") == 1000


def test_what_a_screen_needs_comes_as_a_stream_of_rows() -> None:
    engine = Engine(Options(sandbox="regions-off"))
    engine.connect()
    found: list[RegionQuota] = []
    for quota in engine.quotas(engine.quota_regions(every=True)):
        found.append(quota)
        assert advice.row(quota).region == quota.region
    assert len(found) == 23
    assert [row.region for row in advice.rows(found, "standing", "enabled")] == sorted(OPT_IN)
    assert {quota.state for quota in found} == {State.READ, State.OFF, State.BLOCKED}
