"""Quotas: what a limit means, reading regions side by side, asking once, and remembering what was seen."""

from __future__ import annotations

import io
import json
import math
import stat
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given as everything
from hypothesis import strategies as st

from tests.engine.support import (
    ACCOUNT,
    Fault,
    Killed,
    Place,
    Sandboxed,
    change,
    connection,
    failures,
    finding,
    given,
    iam,
    ids,
    onboard,
    plan_for,
)
from wizard.account.connect import Aws
from wizard.account.snapshot import Fact, Identity
from wizard.apply.events import Done, Event
from wizard.cli import main
from wizard.engine import Engine, Options
from wizard.plan.render import as_aws_cli
from wizard.problem import UsageProblem
from wizard.quotas import advice, limits, remembered, requests
from wizard.quotas.answers_for_aws import prepared_answers
from wizard.quotas.limits import IncreaseRequest, RegionQuota, Reservation, State
from wizard.quotas.report import report_lines, row_line, summary
from wizard.remotion import names

REGION = "us-east-1"
ROLE = "create role.AWSServiceRoleForServiceQuotas"


def quota(limit: int | None = 10, *asked: IncreaseRequest, **more: Any) -> RegionQuota:
    """A region that was read."""
    base = RegionQuota(REGION, limit=limit, source="lambda", unreserved=limit, history=Fact.known(asked), default=1000)
    return replace(base, **more)


def asked_for(value: int = 1000, status: str = "PENDING", **more: Any) -> IncreaseRequest:
    """A request that was made on the first of May."""
    return IncreaseRequest(f"{status}{value}", REGION, status, value, "2026-05-01T08:00:00+00:00", **more)


def at(scenario: str, place: Place) -> Engine:
    """An engine at a scenario's account, signed in."""
    made = Engine(Options(sandbox=scenario, folder=place.project))
    made.connect()
    return made


def read(engine: Engine, *regions: str) -> dict[str, RegionQuota]:
    """What is read of regions, by region."""
    return {found.region: found for found in engine.quotas(regions or (REGION,))}


# Arithmetic


def test_with_ten_at_most_nine_functions_render() -> None:
    assert [advice.functions_at_once(limit) for limit in (0, 1, 2, 10, 200, 201, 5000)] == [0, 0, 1, 9, 199, 200, 200]
    text = "\n".join(advice.meanwhile(10))
    assert "With 10: at most 9 functions render at once" in text
    assert "1 min at 30 frames a second: framesPerLambda at least 200" in text
    assert "--frames-per-lambda=200" in text and "framesPerLambda: 200" in text
    assert "Remotion starts 82 functions" in text and "TooManyRequestsException" in text
    assert "up to about 2 min 30 s fit functions of 120 s" in text
    assert advice.meanwhile(201) == [] and "no render fits" in advice.meanwhile(1)[0]


@everything(st.integers(1, 100_000), st.integers(2, 2_000))
def test_the_least_frames_per_lambda_is_the_least_that_fits(frames: int, limit: int) -> None:
    least = advice.least_frames_per_lambda(frames, limit)
    assert least is not None
    assert math.ceil(frames / least) + 1 <= max(limit, 2) and math.ceil(frames / least) <= names.FUNCTIONS_PER_RENDER
    assert least == advice.LEAST_FRAMES or math.ceil(frames / (least - 1)) > advice.functions_at_once(limit)


@pytest.mark.parametrize(("frames", "functions"), [(1, 1), (20, 1), (21, 2), (300, 15), (1800, 82), (18_000, 150)])
def test_what_remotion_starts_by_itself(frames: int, functions: int) -> None:
    assert advice.default_functions(frames) == functions


def test_what_to_ask_for_has_a_reason_and_nothing_is_advised_where_there_is_enough() -> None:
    advised = advice.recommendation(quota())
    assert advised is not None and advised.value == 1000 and "AWS gives accounts by default" in advised.reason
    assert advice.recommendation(quota(1000)) is None and advice.recommendation(quota(None)) is None
    kept = advice.recommendation(quota(1000, unreserved=100))
    assert kept is not None and kept.value == 1500 and "keep 900 to themselves" in kept.reason


@pytest.mark.parametrize(
    ("found", "kind", "text"),
    [
        (quota(), "low", "low: at most 9 render functions at once"),
        (quota(1000), "enough", "enough"),
        (quota(10, asked_for()), "pending", "pending since 1 May 2026: 1,000 asked for"),
        (quota(10, asked_for(status="CASE_OPENED", case_id="17")), "case-opened", "1,000 asked for, case 17"),
        (quota(10, asked_for(status="APPROVED")), "approved", "not applied yet: 1,000"),
        (quota(1000, asked_for(status="APPROVED")), "enough", "enough"),
        (quota(10, asked_for(5000, "DENIED")), "denied", "AWS denied it (5,000"),
        (quota(10, asked_for(5000, "NOT_APPROVED")), "denied", "AWS did not approve it"),
        (quota(10, asked_for(5000, "INVALID_REQUEST")), "denied", "AWS calls it invalid"),
        (quota(10, asked_for(5000, "CASE_CLOSED")), "closed", "the support case was closed"),
        (RegionQuota(REGION, State.OFF), "off", "not enabled in this account"),
        (RegionQuota(REGION, State.BLOCKED), "blocked", "blocked by a policy of the organisation"),
        (RegionQuota(REGION, State.DENIED), "denied-read", "this identity may not read the limit"),
        (RegionQuota(REGION, State.FAILED), "failed", "could not be read"),
        (RegionQuota(REGION, State.TIMED_OUT), "failed", "no answer in time"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_how_a_region_stands(found: RegionQuota, kind: str, text: str) -> None:
    assert advice.standing(found) == kind
    assert text in advice.words(found) and text in row_line(found) and text in row_line(found, wordy=True)
    assert json.loads(json.dumps(advice.to_json(found)))["standing"] == kind
    assert advice.next_step(found) or kind in {"enough", "off", "blocked", "denied-read", "failed"}


def test_a_denial_has_a_next_step_that_asks_for_less() -> None:
    step = advice.next_step(quota(10, asked_for(5000, "DENIED", case_id="17")))
    assert f"quotas request --region {REGION} --value 1000" in step
    assert "support/home#/case/?displayId=17" in step and "quotas/L-B99A9384" in step
    assert "Ask for less" not in advice.next_step(quota(10, asked_for(1000, "DENIED")))


def test_which_number_is_which_is_said() -> None:
    found = quota(10, applied=Fact.absent())
    assert advice.sources(found) == (
        "10 (Lambda says); Service Quotas has no value of this account's; AWS's published default, 1,000, is not yours."
    )
    assert "Service Quotas still says 500" in advice.sources(quota(10, applied=Fact.known(500)))
    assert advice.sources(quota(1000, applied=Fact.known(1000))) == "1,000 (Lambda says)."
    kept = quota(1000, unreserved=700, reservations=(Reservation("mails", 300),))
    assert advice.reserved(kept) == "300 of 1,000 are kept by mails 300; 700 are left."


def test_rows_can_be_sorted_filtered_and_drawn() -> None:
    found = [
        quota(1000, region="us-west-2"),
        quota(10, region="eu-west-1"),
        RegionQuota("ap-east-1", State.OFF),
        quota(10, asked_for(status="DENIED"), region="sa-east-1"),
    ]
    assert [row.region for row in advice.rows(found)] == ["ap-east-1", "eu-west-1", "sa-east-1", "us-west-2"]
    assert [row.region for row in advice.rows(found, "limit")] == ["eu-west-1", "sa-east-1", "us-west-2", "ap-east-1"]
    assert [row.region for row in advice.rows(found, "standing")] == [
        "sa-east-1", "eu-west-1", "us-west-2", "ap-east-1"
    ]  # fmt: skip
    assert [row.region for row in advice.rows(found, text="ireland LOW")] == ["eu-west-1"]
    by_region = {row.region: row for row in advice.rows(found)}
    assert (by_region["us-west-2"].share, by_region["eu-west-1"].share) == (1.0, 0.01)
    assert by_region["eu-west-1"].bar(10) == "█░░░░░░░░░" and by_region["ap-east-1"].bar(3) == "···"
    assert summary(found) == "4 regions: 1 enough, 1 low, 1 denied and 1 not enabled."


def test_the_answers_for_aws_name_this_accounts_functions() -> None:
    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:remotion-render-4-0-527-mem2048mb-disk2048mb-120sec"
    text = prepared_answers(ACCOUNT, REGION, 1000, 10, [arn])
    assert arn in text and "1,000 concurrent executions in us-east-1 (now 10)" in text
    assert [line[0] for line in text.splitlines() if line[:2].rstrip(".").isdigit()] == list("123456")
    assert "none is deployed yet" in prepared_answers(ACCOUNT, REGION, 1000, 10)


# Reading


def test_every_region_that_remotion_supports_is_read(engine: Engine) -> None:
    regions = engine.quota_regions(every=True)
    assert len(regions) == 23
    found = read(engine, *regions)
    assert set(found) == set(regions)
    one = found["eu-west-1"]
    assert (one.limit, one.unreserved, one.applied.value, one.default, one.source) == (10, 10, 10, 1000, "lambda")
    assert one.requests == () and one.problem is None


def test_a_region_of_another_partition_is_refused(engine: Engine) -> None:
    with pytest.raises(UsageProblem, match="cn-north-1"):
        engine.quotas(["us-east-1", "cn-north-1"])
    assert limits.regions_of("aws-cn") == ("cn-north-1", "cn-northwest-1")
    assert limits.regions_of("aws-us-gov")[0] == "us-gov-west-1"


class Slow:
    """A connection on which some regions hang until they are let go, and others fail."""

    def __init__(self, aws: Aws, hanging: set[str], failing: set[str]) -> None:
        self._aws, self._hanging, self._failing = aws, hanging, failing
        self.region, self.target = aws.region, aws.target
        self.released = threading.Event()
        self.running, self.most = 0, 0
        self._lock = threading.Lock()

    def client(self, service: str, region: str = "", attempts: int = 5) -> Any:
        if service == "lambda":
            with self._lock:
                self.running += 1
                self.most = max(self.most, self.running)
            time.sleep(0.02)
            with self._lock:
                self.running -= 1
        if region in self._hanging:
            self.released.wait(30)
        if region in self._failing:
            raise RuntimeError("broken")
        return self._aws.client(service, region, attempts)


def test_a_region_that_hangs_or_fails_holds_up_no_other(engine: Engine) -> None:
    slow = Slow(connection(engine), {"eu-west-1"}, {"eu-west-2"})
    regions = ["eu-west-1", "eu-west-2", *limits.regions_of("aws")[:5]]
    arrived = []
    for found in limits.read_regions(slow, regions, time_out=3.0, at_once=3):  # type: ignore[arg-type]
        arrived.append(found)
    slow.released.set()
    states = {found.region: found.state for found in arrived}
    assert set(states) == set(regions)
    assert arrived[-1].region == "eu-west-1" and arrived[-1].state is State.TIMED_OUT
    assert states.pop("eu-west-2") is State.FAILED and states.pop("eu-west-1") is State.TIMED_OUT
    assert set(states.values()) == {State.READ}
    assert slow.most <= 3


def test_who_may_not_ask_lambda_gets_service_quotas_number(engine: Engine, place: Place) -> None:
    onboard(engine)
    from tests.engine.support import env
    from wizard.account.connect import Keys
    from wizard.secret import Secret

    held = env(place)
    keys = Keys(held[names.ACCESS_KEY_ID], Secret(held[names.SECRET_ACCESS_KEY]))
    (found,) = limits.read_regions(connection(engine).with_keys(keys), [REGION])
    assert (found.state, found.limit, found.source) == (State.READ, 10, "service-quotas")
    assert "Lambda may not be asked" in advice.sources(found)


def test_the_functions_that_keep_a_part_are_named(place: Place) -> None:
    found = read(at("quota-raised", place))[REGION]
    assert (found.limit, found.unreserved) == (1000, 700)
    assert found.reservations == (Reservation("order-mails-send", 300),)
    assert "300 of 1,000 are kept by order-mails-send 300; 700 are left." in "\n".join(report_lines([found], ACCOUNT))


# Asking


def test_a_request_is_planned_with_the_role_that_it_needs_and_made_once(engine: Engine, place: Place) -> None:
    plan = engine.quota_plan([REGION])
    assert ids(plan) == [ROLE, f"create quota.{REGION}"]
    asks = change(plan, f"quota.{REGION}")
    assert asks.call is not None and asks.call.region == REGION and asks.undo == ()
    assert asks.call.parameters == {"ServiceCode": "lambda", "QuotaCode": "L-B99A9384", "DesiredValue": 1000}
    assert "from 10 to 1,000" in asks.summary and "can't be taken back" in asks.reason
    assert "aws service-quotas request-service-quota-increase --region us-east-1" in as_aws_cli(plan)
    assert not failures(list(engine.apply(plan)))
    (made,) = engine.requested()
    assert (made.value, made.status, made.region) == (1000, "PENDING", REGION)
    assert any(r["type"] == "quota-requested" and r["request"] == made.id for r in place.records())
    again = engine.quota_plan([REGION])
    assert again.is_empty and "already: for 1,000 since" in again.problems[0].title
    assert made.link in again.problems[0].remedy


def test_what_speaks_against_a_request_is_said_before_it_is_sent() -> None:
    def title(found: RegionQuota, value: int = 1000) -> str:
        problem = requests.why_not(found, value)
        return problem.title if problem else ""

    assert title(quota()) == ""
    assert "open in us-east-1 already: for 1,000 since 1 May 2026" in title(quota(10, asked_for()))
    assert "500 is not more" in title(quota(1000), 500) and "1,000 is not more" in title(quota(1000))
    assert "only not applied yet" in title(quota(10, asked_for(status="APPROVED")))
    assert title(quota(10, asked_for(status="APPROVED")), 2000) == ""
    assert title(quota(10, asked_for(5000, "DENIED"))) == ""
    assert "2 requests for other quotas are open" in title(quota(open_in_region=2))
    assert "Nothing can be asked for" in title(RegionQuota(REGION, State.OFF))


def test_the_two_open_requests_of_a_region_are_counted_over_all_quotas(engine: Engine) -> None:
    service = connection(engine).client("service-quotas")
    for code, value in (("L-2ACBD22F", 100), ("L-9FEE3D26", 900)):
        service.request_service_quota_increase(ServiceCode="lambda", QuotaCode=code, DesiredValue=value)
    plan = engine.quota_plan([REGION])
    assert plan.is_empty and "2 requests for other quotas are open" in plan.problems[0].title


def test_where_one_region_can_be_asked_for_the_others_are_left_out_with_a_word(place: Place) -> None:
    plan = at("regions-off", place).quota_plan([REGION, "eu-west-3", "eu-south-1"])
    assert ids(plan) == [ROLE, f"create quota.{REGION}"] and not plan.problems
    assert any("eu-west-3" in warning for warning in plan.warnings)
    assert any("has not enabled eu-south-1" in warning for warning in plan.warnings)


def applied(sandbox: Sandboxed, fault: str) -> list[Event]:
    """Ask for more, with something going wrong at the request."""
    plan = sandbox.engine.quota_plan([REGION])
    sandbox.wire.calls.clear()
    sandbox.wire.fault = Fault("RequestServiceQuotaIncrease", 1, fault)
    return list(sandbox.engine.apply(plan))


def sent(sandbox: Sandboxed) -> int:
    return sandbox.wire.calls.count("RequestServiceQuotaIncrease")


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requests, "_LOOKS", 2)


@pytest.mark.parametrize("fault", ["time-out-after", "reset-after"])
def test_a_lost_answer_is_settled_by_the_history_and_nothing_is_asked_twice(sandbox: Sandboxed, fault: str) -> None:
    outcome = applied(sandbox, fault)
    assert not failures(outcome) and sent(sandbox) == 1
    assert any(isinstance(e, Done) and "although no answer came" in e.note for e in outcome)
    assert len(read(sandbox.engine)[REGION].requests) == 1


@pytest.mark.parametrize("fault", ["time-out-before", "reset-before"])
def test_without_an_answer_and_without_a_trace_nothing_is_asked_twice(
    sandbox: Sandboxed, fault: str, impatient: None
) -> None:
    (failed,) = failures(applied(sandbox, fault))
    assert "its history shows none" in failed.problem.title and "Look again in a minute" in failed.problem.remedy
    assert sent(sandbox) == 1 and read(sandbox.engine)[REGION].requests == ()


def test_a_run_that_was_killed_after_it_asked_does_not_ask_again(sandbox: Sandboxed) -> None:
    with pytest.raises(Killed):
        applied(sandbox, "killed-after")
    sandbox.wire.mend()
    assert "already: for 1,000" in sandbox.engine.quota_plan([REGION]).problems[0].title
    assert sent(sandbox) == 1


def test_what_was_asked_after_the_plan_was_made_is_not_asked_again(sandbox: Sandboxed) -> None:
    for value, outcome in ((1000, "already"), (2000, "was made in us-east-1 after the plan was")):
        sandbox.start_over()
        plan = sandbox.engine.quota_plan([REGION])
        service = connection(sandbox.engine).client("service-quotas")
        service.request_service_quota_increase(**limits.QUOTA, DesiredValue=value)
        sandbox.wire.calls.clear()
        events = list(sandbox.engine.apply(plan))
        assert sent(sandbox) == 0
        if value == 1000:
            assert any(isinstance(e, Done) and e.already and e.change_id.startswith("quota") for e in events)
        else:
            assert outcome in failures(events)[0].problem.title


def test_where_the_role_may_not_be_made_the_permission_and_who_gives_it_are_named(place: Place) -> None:
    engine = at("no-slr", place)
    (failed,) = failures(list(engine.apply(engine.quota_plan([REGION]))))
    text = str(failed.problem)
    arn = f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/servicequotas.amazonaws.com/AWSServiceRoleForServiceQuotas"
    assert f"iam:CreateServiceLinkedRole on {arn}" in text
    assert "Only the administrator of your AWS organisation can give it" in text and "sub-account" not in text
    assert "aws iam create-service-linked-role --aws-service-name servicequotas.amazonaws.com" in text
    assert engine.requested() == () and read(engine)[REGION].requests == ()


@pytest.mark.parametrize(
    ("code", "message", "says"),
    [
        ("DependencyAccessDeniedException", "Service-linked role creation access denied.", "no service-linked role"),
        ("ResourceAlreadyExistsException", "Only one open …", "open in us-east-1 already"),
        ("QuotaExceededException", "You have exceeded …", "Too many requests are open"),
        ("IllegalArgumentException", "You must provide …", "does not take 1,000"),
        (
            "AccessDeniedException",
            "User: x is not authorized to perform: servicequotas:RequestServiceQuotaIncrease",
            "may not call servicequotas:RequestServiceQuotaIncrease",
        ),
    ],
)
def test_what_aws_refuses_is_told_in_words(code: str, message: str, says: str) -> None:
    error = ClientError({"Error": {"Code": code, "Message": message}}, "RequestServiceQuotaIncrease")
    problem = requests.refused(error, REGION, 1000, "aws", ACCOUNT)
    assert problem is not None and says in problem.title and problem.remedy
    other = ClientError({"Error": {"Code": "Other", "Message": ""}}, "RequestServiceQuotaIncrease")
    assert requests.refused(other, REGION, 1000, "aws", ACCOUNT) is None


# In the set-up


def test_the_set_up_asks_for_what_the_answers_name_and_only_once(engine: Engine) -> None:
    answers = given(quotas__concurrent_executions=1000, remotion__regions=["us-east-1", "eu-west-1"])
    plan = onboard(engine, answers)
    assert ids(plan)[-3:] == [ROLE, "create quota.us-east-1", "create quota.eu-west-1"]
    assert change(plan, "role.AWSServiceRoleForServiceQuotas").optional
    again = plan_for(engine, answers)
    assert again.is_empty, ids(again)
    assert "1,000 asked for on" in change(again, "quota.eu-west-1").summary
    more = plan_for(engine, answers.with_values({"quotas.concurrent_executions": 2000}, "you"))
    assert more.is_empty and any("already: for 1,000" in warning for warning in more.warnings)
    low = finding(engine.check(answers), "quota.us-east-1")
    assert "1,000 asked for" in low.detail and "remotion-lambda-wizard quotas --region us-east-1" in low.remedy


def test_without_a_wish_nothing_is_asked_for(engine: Engine) -> None:
    plan = plan_for(engine)
    assert not [c for c in plan.changes if c.kind == "quota"]
    assert change(plan, "role.AWSServiceRoleForServiceQuotas").optional


def test_a_limit_that_is_there_already_is_kept(place: Place) -> None:
    plan = plan_for(at("quota-raised", place), given(quotas__concurrent_executions=1000))
    assert change(plan, "quota.us-east-1").summary == "the limit is 1,000" and f"create quota.{REGION}" not in ids(plan)


def test_a_region_that_can_not_be_asked_for_does_not_stop_the_set_up(place: Place) -> None:
    answers = given(quotas__concurrent_executions=1000, remotion__regions=["us-east-1", "eu-west-3"])
    plan = plan_for(at("regions-off", place), answers)
    assert not plan.problems and "create quota.us-east-1" in ids(plan)
    assert any("Nothing can be asked for in eu-west-3" in warning for warning in plan.warnings)


# Remembered


def identity(**more: Any) -> Identity:
    return Identity(ACCOUNT, f"arn:aws:iam::{ACCOUNT}:user/ada", "aws", REGION, "test", **more)


def test_what_was_seen_is_kept_privately_and_a_later_day_tells_what_changed(place: Place) -> None:
    me = identity()
    old = remembered.Memory().with_quotas([quota(10, asked_for())])
    assert old.waiting == (REGION,) and remembered.remember(old, me)
    (path,) = (place.state / "quotas").iterdir()
    assert path.name == f"{ACCOUNT}.json"
    assert (stat.S_IMODE(path.stat().st_mode), stat.S_IMODE(path.parent.stat().st_mode)) == (0o600, 0o700)
    kept = remembered.memory_of(me)
    assert kept == old
    approved = replace(asked_for(), id="PENDING1000", status="APPROVED")
    (line,) = remembered.news(kept, [quota(10, approved)])
    assert "the request for 1,000: AWS has approved it, but has not applied it yet" in line
    lines = remembered.news(kept, [quota(1000, approved)])
    assert len(lines) == 2 and "rose from 10 to 1,000" in lines[1]
    assert remembered.news(kept, [quota(10, asked_for())]) == []
    denied = replace(approved, status="DENIED")
    assert "AWS has denied it" in remembered.news(kept, [quota(10, denied)])[0]
    assert remembered.news(kept, [RegionQuota(REGION, State.FAILED)]) == []


def test_a_region_that_was_not_read_keeps_what_is_known_of_it() -> None:
    old = remembered.Memory().with_quotas([quota(10, asked_for())])
    assert old.with_quotas([RegionQuota(REGION, State.TIMED_OUT)]).regions == old.regions
    blind = old.with_quotas([quota(10, history=Fact())])
    assert blind.regions[REGION].request == "PENDING1000"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"version": 1}', '{"version": 1, "regions": {"x": 3}}', "\x00"])
def test_a_memory_that_can_not_be_read_is_none(place: Place, text: str) -> None:
    folder = place.state / "quotas"
    folder.mkdir()
    (folder / f"{ACCOUNT}.json").write_text(text)
    assert remembered.memory_of(identity()) == remembered.Memory()


def test_each_place_has_a_memory_of_its_own(place: Place) -> None:
    memory = remembered.Memory().with_quotas([quota()])
    remembered.remember(memory, identity(sandbox=True, scenario="fresh"))
    remembered.remember(memory, identity(endpoint="http://127.0.0.1:4577"))
    assert remembered.memory_of(identity()) == remembered.Memory()
    assert remembered.memory_of(identity(sandbox=True, scenario="fresh")) == memory
    remembered.forget_sandbox(["fresh"])
    assert remembered.memory_of(identity(sandbox=True, scenario="fresh")) == remembered.Memory()
    assert remembered.memory_of(identity(endpoint="http://127.0.0.1:4577")) == memory


# The command


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Any]]:
    monkeypatch.setattr("sys.stdin", io.StringIO(""))

    def command(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main(["quotas", *arguments])
        said = capsys.readouterr()
        return code, said.out, said.err

    yield command


def test_list_prints_one_json_document_in_the_shape_of_the_contract(run: Any) -> None:
    code, out, err = run("--sandbox", "--region", "eu-west-1", "--region", "us-east-1", "--json")
    document = json.loads(out)
    assert code == 0 and [each["region"] for each in document["quotas"]] == ["eu-west-1", "us-east-1"]
    one = document["quotas"][0]
    expected = {
        "code": "L-B99A9384",
        "value": 10,
        "default": 1000,
        "unreserved": 10,
        "open_request": None,
        "history": [],
        "recommendation": 1000,
    }
    assert {key: one[key] for key in expected} == expected
    assert one["frames_per_lambda"]["1800"] == 200 and "low: at most 9" in err


def test_a_request_without_a_terminal_and_without_yes_changes_nothing(run: Any, engine: Engine) -> None:
    code, _, err = run("request", "--sandbox")
    assert code == 2 and "--yes was not given" in err
    assert read(engine)[REGION].requests == ()
    assert not [role for role in iam(engine).list_roles()["Roles"] if "ServiceQuotas" in role["RoleName"]]


def test_a_request_is_sent_once_and_then_refused(run: Any, place: Place) -> None:
    code, out, _ = run("request", "--sandbox", "--yes", "--value", "500", "--json")
    document = json.loads(out)
    assert code == 0 and document["ok"] and document["requests"][0]["value"] == 500
    code, out, err = run("request", "--sandbox", "--yes", "--json")
    document = json.loads(out)
    assert code == 1 and "already: for 500" in document["problem"]["title"] and "Nothing was sent" in err
    code, out, _ = run("--sandbox")
    assert code == 0 and "pending since" in out and "What to answer if AWS asks" in out
    assert (place.state / "quotas" / f"{ACCOUNT}.sandbox-fresh.json").is_file()


def test_the_list_comes_back_to_the_regions_in_which_something_waits(run: Any) -> None:
    assert run("request", "--sandbox", "--region", "eu-west-1", "--yes")[0] == 0
    code, out, _ = run("--sandbox", "--json")
    assert code == 0 and [q["region"] for q in json.loads(out)["quotas"]] == ["us-east-1", "eu-west-1"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("--region", "mars"),
        ("--region", "us-east-1", "--all-regions"),
        ("--value", "5"),
        ("--yes",),
        ("request", "--value", "0"),
        ("request", "--value", "-3"),
        ("request", "--value", "100001"),
        ("request", "--value", "many"),
        ("--region", "cn-north-1", "--region", "us-east-1"),
        ("increase",),
    ],
    ids=" ".join,
)
def test_bad_usage_ends_with_2(run: Any, arguments: tuple[str, ...]) -> None:
    code, out, err = run("--sandbox", "fresh", *arguments)
    assert code == 2 and err.startswith("✗") and not out


def test_a_region_that_fails_ends_with_1_and_the_others_are_told(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    original = limits._read

    def broken(aws: Aws, region: str, shared: Any) -> RegionQuota:
        if region == "eu-west-1":
            raise RuntimeError("the wire broke")
        return original(aws, region, shared)

    monkeypatch.setattr(limits, "_read", broken)
    code, out, _ = run("--sandbox", "--region", "us-east-1", "--region", "eu-west-1", "--json")
    document = json.loads(out)
    assert code == 1 and not document["ok"]
    assert [q["state"] for q in document["quotas"]] == ["read", "failed"]
    assert "the wire broke" in document["quotas"][1]["problem"]["detail"]


def test_no_credentials_end_with_3(run: Any) -> None:
    code, _, err = run("--endpoint-url", "http://127.0.0.1:9")
    assert code == 3 and "credentials" in err
