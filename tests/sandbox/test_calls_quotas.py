"""Service Quotas answers for AWS Lambda, and takes requests as AWS does."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from typing import Any

import pytest
from moto.servicequotas.models import servicequotas_backends

from wizard.sandbox.calls import quotas

from .calls_support import ACCOUNT, Aws, refusal, sandbox_account

CODE = {"ServiceCode": "lambda", "QuotaCode": quotas.CONCURRENT_EXECUTIONS}
REGION = "us-east-1"


@pytest.fixture
def aws() -> Iterator[Aws]:
    with sandbox_account() as account:
        yield account


@pytest.fixture
def sq(aws: Aws) -> Any:
    return aws.client("service-quotas")


def test_concurrent_executions_are_a_thousand_at_first(sq: Any) -> None:
    quota = sq.get_service_quota(**CODE)["Quota"]
    assert (quota["Value"], quota["QuotaName"], quota["Adjustable"]) == (1000.0, "Concurrent executions", True)
    assert quota["QuotaArn"] == f"arn:aws:servicequotas:us-east-1:{ACCOUNT}:lambda/L-B99A9384"
    default = sq.get_aws_default_service_quota(**CODE)["Quota"]
    assert default["QuotaArn"] == "arn:aws:servicequotas:us-east-1::lambda/L-B99A9384"


def test_a_new_accounts_limit_differs_from_the_public_default(aws: Aws, sq: Any) -> None:
    quotas.set_concurrency(ACCOUNT, "*", 10)
    quotas.set_concurrency(ACCOUNT, "eu-central-1", 500)
    assert sq.get_service_quota(**CODE)["Quota"]["Value"] == 10.0
    assert sq.get_aws_default_service_quota(**CODE)["Quota"]["Value"] == 1000.0
    assert aws.client("service-quotas", "eu-central-1").get_service_quota(**CODE)["Quota"]["Value"] == 500.0
    assert quotas.concurrency(ACCOUNT, "eu-west-1") == 10


def test_no_applied_value_is_no_such_resource(sq: Any) -> None:
    quotas.set_concurrency(ACCOUNT, REGION, 10, applied=False)
    assert refusal(sq.get_service_quota, **CODE)[:2] == ("NoSuchResourceException", 400)
    assert quotas.CONCURRENT_EXECUTIONS not in {
        quota["QuotaCode"] for quota in sq.list_service_quotas(ServiceCode="lambda")["Quotas"]
    }
    assert sq.get_aws_default_service_quota(**CODE)["Quota"]["Value"] == 1000.0


def test_services_and_quotas_are_listed_in_pages(sq: Any) -> None:
    services = {each["ServiceCode"] for each in sq.list_services()["Services"]}
    assert {"lambda", "vpc", "iam"} <= services
    pages = list(
        sq.get_paginator("list_aws_default_service_quotas").paginate(
            ServiceCode="lambda", PaginationConfig={"PageSize": 2}
        )
    )
    assert len(pages) == 3
    codes = [quota["QuotaCode"] for page in pages for quota in page["Quotas"]]
    assert codes == [quota["QuotaCode"] for quota in sq.list_service_quotas(ServiceCode="lambda")["Quotas"]]
    bad = refusal(sq.list_service_quotas, ServiceCode="lambda", NextToken="!")
    assert bad[:2] == ("InvalidPaginationTokenException", 400)
    assert refusal(sq.list_service_quotas, ServiceCode="Lambda") == (
        "NoSuchResourceException",
        400,
        "The request failed because the specified service does not exist.",
    )
    assert refusal(sq.get_service_quota, ServiceCode="lambda", QuotaCode="L-548AE339")[0] == "NoSuchResourceException"


def test_vpc_stays_as_moto_has_it(sq: Any) -> None:
    assert sq.get_service_quota(ServiceCode="vpc", QuotaCode="L-F678F1CE")["Quota"]["ServiceCode"] == "vpc"
    assert sq.list_aws_default_service_quotas(ServiceCode="vpc")["Quotas"]


def test_a_request_runs_its_course(aws: Aws, sq: Any) -> None:
    request = sq.request_service_quota_increase(**CODE, DesiredValue=5000)["RequestedQuota"]
    assert (request["Status"], request["DesiredValue"]) == ("PENDING", 5000.0)
    assert f'"callerArn":"arn:aws:iam::{ACCOUNT}:user/admin"' in request["Requester"]
    assert "sandbox_support_case" not in request
    identifier = request["Id"]
    quotas.advance(ACCOUNT, REGION, identifier, "CASE_OPENED")
    opened = sq.get_requested_service_quota_change(RequestId=identifier)["RequestedQuota"]
    assert opened["Status"] == "CASE_OPENED"
    assert opened["CaseId"].isdecimal()
    quotas.advance(ACCOUNT, REGION, identifier, "APPROVED")
    assert sq.get_service_quota(**CODE)["Quota"]["Value"] == 1000.0
    quotas.advance(ACCOUNT, REGION, identifier, "APPROVED", apply=True)
    assert sq.get_service_quota(**CODE)["Quota"]["Value"] == 5000.0
    assert aws.client("service-quotas", "eu-west-1").get_service_quota(**CODE)["Quota"]["Value"] == 1000.0


def test_without_a_support_case_a_request_is_not_approved(sq: Any) -> None:
    request = sq.request_service_quota_increase(**CODE, DesiredValue=5000, SupportCaseAllowed=False)["RequestedQuota"]
    assert quotas.advance(ACCOUNT, REGION, request["Id"], "CASE_OPENED")["Status"] == "NOT_APPROVED"
    assert refusal(sq.create_support_case, RequestId=request["Id"])[0] == "InvalidResourceStateException"
    again = sq.request_service_quota_increase(**CODE, DesiredValue=5000, SupportCaseAllowed=False)["RequestedQuota"]
    sq.create_support_case(RequestId=again["Id"])
    assert sq.get_requested_service_quota_change(RequestId=again["Id"])["RequestedQuota"]["Status"] == "CASE_OPENED"


def test_a_request_must_exceed_the_current_value(sq: Any) -> None:
    assert refusal(sq.request_service_quota_increase, **CODE, DesiredValue=1000) == (
        "IllegalArgumentException",
        400,
        "You must provide a quota value greater than the current quota value.",
    )
    fixed = {"ServiceCode": "lambda", "QuotaCode": "L-01237738"}
    assert refusal(sq.request_service_quota_increase, **fixed, DesiredValue=9)[0] == "IllegalArgumentException"


def test_one_open_request_a_quota(sq: Any) -> None:
    first = sq.request_service_quota_increase(**CODE, DesiredValue=5000)["RequestedQuota"]
    assert refusal(sq.request_service_quota_increase, **CODE, DesiredValue=6000) == (
        "ResourceAlreadyExistsException",
        400,
        "Only one open service quota increase request is allowed per quota.",
    )
    quotas.advance(ACCOUNT, REGION, first["Id"], "DENIED")
    sq.request_service_quota_increase(**CODE, DesiredValue=6000)


def test_two_open_requests_a_region_and_twenty_an_account(aws: Aws, sq: Any) -> None:
    sq.request_service_quota_increase(**CODE, DesiredValue=5000)
    sq.request_service_quota_increase(ServiceCode="lambda", QuotaCode="L-2ACBD22F", DesiredValue=100)
    third = {"ServiceCode": "lambda", "QuotaCode": "L-9FEE3D26", "DesiredValue": 900}
    assert refusal(sq.request_service_quota_increase, **third)[:2] == ("QuotaExceededException", 400)
    aws.client("service-quotas", "eu-west-1").request_service_quota_increase(**third)
    for number in range(20):
        quotas._store(ACCOUNT, "eu-north-1", "sandbox_requests")[str(number)] = {"Status": "PENDING", "QuotaCode": ""}
    quotas._store(ACCOUNT, "us-east-1", "sandbox_requesting_regions")["eu-north-1"] = {}
    elsewhere = aws.client("service-quotas", "sa-east-1")
    assert refusal(elsewhere.request_service_quota_increase, **CODE, DesiredValue=5000)[0] == "QuotaExceededException"


def test_the_first_request_creates_the_linked_role(aws: Aws, sq: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quotas, "may_create_service_linked_role", lambda: False)
    assert refusal(sq.request_service_quota_increase, **CODE, DesiredValue=5000) == (
        "DependencyAccessDeniedException",
        400,
        "Service-linked role creation access denied.",
    )
    assert sq.list_requested_service_quota_change_history()["RequestedQuotas"] == []
    monkeypatch.undo()
    sq.request_service_quota_increase(**CODE, DesiredValue=5000)
    assert aws.client("iam").get_role(RoleName="AWSServiceRoleForServiceQuotas")["Role"]["Path"] == (
        "/aws-service-role/servicequotas.amazonaws.com/"
    )


def test_the_history_is_filtered_and_paged(aws: Aws, sq: Any) -> None:
    other = {"ServiceCode": "lambda", "QuotaCode": "L-2ACBD22F"}
    first = sq.request_service_quota_increase(**CODE, DesiredValue=5000)["RequestedQuota"]["Id"]
    second = sq.request_service_quota_increase(**other, DesiredValue=100)["RequestedQuota"]["Id"]
    quotas.advance(ACCOUNT, REGION, first, "CASE_OPENED")

    def found(**filters: str) -> list[str]:
        answer = sq.list_requested_service_quota_change_history(**filters)
        return [request["Id"] for request in answer["RequestedQuotas"]]

    assert found() == [second, first]
    assert found(ServiceCode="lambda", Status="CASE_OPENED") == [first]
    assert found(ServiceCode="iam") == []
    by_quota = sq.list_requested_service_quota_change_history_by_quota
    assert [request["Id"] for request in by_quota(**CODE)["RequestedQuotas"]] == [first]
    assert by_quota(**CODE, Status="PENDING")["RequestedQuotas"] == []
    page = sq.list_requested_service_quota_change_history(MaxResults=1)
    assert [request["Id"] for request in page["RequestedQuotas"]] == [second]
    rest = sq.list_requested_service_quota_change_history(MaxResults=1, NextToken=page["NextToken"])
    assert [request["Id"] for request in rest["RequestedQuotas"]] == [first]
    assert "NextToken" not in rest
    assert (
        aws.client("service-quotas", "eu-west-1").list_requested_service_quota_change_history()["RequestedQuotas"] == []
    )


def test_the_state_can_be_pickled_and_goes_with_a_reset(sq: Any) -> None:
    quotas.set_concurrency(ACCOUNT, REGION, 10)
    identifier = sq.request_service_quota_increase(**CODE, DesiredValue=5000)["RequestedQuota"]["Id"]
    restored = pickle.loads(pickle.dumps(dict(servicequotas_backends[ACCOUNT])))
    assert restored[REGION].sandbox_requests[identifier]["DesiredValue"] == 5000.0
    servicequotas_backends[ACCOUNT][REGION].reset()
    assert quotas.concurrency(ACCOUNT, REGION) == 1000
    assert quotas.requests(ACCOUNT, REGION) == []


def test_iams_quotas_are_global(aws: Aws, sq: Any) -> None:
    role = {"ServiceCode": "iam", "QuotaCode": "L-FE177D64"}
    assert sq.get_service_quota(**role)["Quota"]["GlobalQuota"] is True
    assert refusal(aws.client("service-quotas", "eu-west-1").get_service_quota, **role)[0] == "NoSuchResourceException"


def test_an_unknown_status_is_refused() -> None:
    with pytest.raises(ValueError, match="DONE"):
        quotas.advance(ACCOUNT, REGION, "x", "DONE")
