"""AWS Lambda calls that moto lacks, layers of other accounts, and the check that Lambda may assume a function's role.

Rests on GetAccountSettings, Put/GetRuntimeManagementConfig, GetLayerVersion(ByArn) and CreateFunction of botocore's
lambda model. The layers are those that Remotion's functions use: its own account, and CloudWatch Lambda Insights'.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import weakref
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import unquote

import moto.awslambda.urls as lambda_urls
from moto.awslambda.exceptions import (
    CrossAccountNotAllowed,
    InvalidParameterValueException,
    LambdaClientError,
    UnknownLayerException,
    UnknownLayerVersionException,
)
from moto.awslambda.models import LambdaBackend, LambdaFunction, LambdaStorage, LayerStorage
from moto.awslambda.responses import LambdaResponse
from moto.core.responses import ActionResult
from moto.iam.models import iam_backends

from wizard.policy.evaluate import Policy, PolicySet, Request, evaluate
from wizard.sandbox import principals
from wizard.sandbox.calls import keys, quotas
from wizard.sandbox.calls.seams import put, take

REMOTION_LAYERS = "678892195805"
INSIGHTS_LAYERS = frozenset(
    # Remotion 4.0.527: one account for most Regions, one for each newer Region, one for aws-cn.
    {"580247275435", "012438385374", "519774774795", "194566237122", "339249233099", "488211338238"}
)

_LAYER_ARN = re.compile(r"(arn:(aws[a-z-]*):lambda:([a-z0-9-]+):(\d{12}):layer:([A-Za-z0-9_-]+))(?::(\d+))?")
_REMOTION_FUNCTION = re.compile(r"remotion-render-(\d+-\d+-\d+)-.*")
_CODE_STORAGE = 80_530_636_800
_UNZIPPED = 262_144_000
_ZIPPED = 52_428_800
_LEAST_UNRESERVED = 100
_CANNOT_ASSUME = "The role defined for the function cannot be assumed by Lambda."


def install() -> None:
    """Give moto's Lambda what is missing. The REST routes go into `moto.awslambda.urls`."""
    _install_routes()
    _install_account()
    _install_layers()
    _install_roles()
    _install_info()
    _install_freezing()


def hosted_layer(arn: str) -> bool:
    """Whether `arn` names a layer (version) that another account publishes for everybody."""
    match = _LAYER_ARN.fullmatch(arn)
    if match is None:
        return False
    _, partition, _, account, name, _ = match.groups()
    if account == REMOTION_LAYERS:
        return partition == "aws" and name.startswith("remotion-binaries-")
    china = account == "488211338238"
    return (
        account in INSIGHTS_LAYERS and china == (partition == "aws-cn") and name.startswith("LambdaInsightsExtension")
    )


def lambda_may_assume(account_id: str, role_arn: str, function_arn: str) -> bool:
    """Whether the role exists and its trust policy lets Lambda assume it for `function_arn`."""
    backend = iam_backends[account_id][principals.partition_of(role_arn)]
    try:
        role = principals.find_role(backend, role_arn)
    except KeyError:
        return False
    statements = principals.document_of(role.assume_role_policy_document).get("Statement") or []
    trusted = [
        {key: value for key, value in statement.items() if key != "Principal"} | {"Resource": "*"}
        for statement in ([statements] if isinstance(statements, Mapping) else statements)
        if _names_lambda(statement.get("Principal"))
    ]
    if not trusted:
        return False
    request = Request(
        action="sts:AssumeRole",
        resource="*",
        context={"aws:SourceAccount": account_id, "aws:SourceArn": function_arn},
    )
    trust = Policy("trust policy", {"Version": "2012-10-17", "Statement": trusted})
    return evaluate(request, PolicySet(identity=(trust,))).allowed


def _names_lambda(principal: Any) -> bool:
    if not isinstance(principal, Mapping):
        return bool(principal == "*")
    services = principal.get("Service") or []
    return "lambda.amazonaws.com" in ([services] if isinstance(services, str) else services)


def _install_routes() -> None:
    paths = lambda_urls.url_paths
    config = r"{0}/(?P<api_version>[^/]+)/functions/(?P<function_name>[\w_:%-]+)/runtime-management-config/?$"
    paths.setdefault(config, LambdaResponse.dispatch)
    paths.setdefault(r"{0}/(?P<api_version>[^/]+)/account-settings/?$", LambdaResponse.dispatch)

    def put_runtime_management_config(self: LambdaResponse) -> ActionResult:
        function = self.backend.get_function(unquote(self.path.split("/")[3]), _qualifier(self))
        body = self.json_body
        mode, version = body["UpdateRuntimeOn"], body.get("RuntimeVersionArn")
        if mode == "Manual" and not version:
            raise InvalidParameterValueException("RuntimeVersionArn is required when UpdateRuntimeOn is set to Manual.")
        if mode != "Manual" and version:
            raise InvalidParameterValueException("RuntimeVersionArn can be set only when UpdateRuntimeOn is Manual.")
        vars(function)["sandbox_runtime_management"] = {"UpdateRuntimeOn": mode, "RuntimeVersionArn": version}
        return ActionResult(_runtime_management(function))

    def get_runtime_management_config(self: LambdaResponse) -> ActionResult:
        function = self.backend.get_function(unquote(self.path.split("/")[3]), _qualifier(self))
        return ActionResult(_runtime_management(function))

    put(LambdaResponse, "put_runtime_management_config", put_runtime_management_config)
    put(LambdaResponse, "get_runtime_management_config", get_runtime_management_config)


def _qualifier(response: LambdaResponse) -> str | None:
    qualifier: str | None = response._get_param("Qualifier")
    return qualifier


def _runtime_management(function: LambdaFunction) -> dict[str, Any]:
    held: dict[str, Any] = vars(function).get("sandbox_runtime_management") or {"UpdateRuntimeOn": "Auto"}
    return {name: value for name, value in held.items() if value} | {"FunctionArn": function.function_arn}


def _install_account() -> None:
    put_concurrency = take(LambdaBackend, "put_function_concurrency", "function_name", "reserved_concurrency")
    put_invoke_config = take(LambdaBackend, "put_function_event_invoke_config", "function_name", "config")

    def get_account_settings(self: LambdaResponse) -> ActionResult:
        functions = list(self.backend.list_functions())
        limit = quotas.concurrency(self.current_account, self.region)
        return ActionResult(
            {
                "AccountLimit": {
                    "TotalCodeSize": _CODE_STORAGE,
                    "CodeSizeUnzipped": _UNZIPPED,
                    "CodeSizeZipped": _ZIPPED,
                    "ConcurrentExecutions": limit,
                    "UnreservedConcurrentExecutions": limit - _reserved(functions),
                },
                "AccountUsage": {
                    "TotalCodeSize": sum(int(function.code_size) for function in functions),
                    "FunctionCount": len(functions),
                },
            }
        )

    def put_function_concurrency(self: LambdaBackend, function_name: str, reserved_concurrency: Any) -> Any:
        limit = quotas.concurrency(self.account_id, self.region_name)
        others = [function for function in self.list_functions() if function.function_name != function_name]
        # In a new account the whole limit is below 100: then nothing can be reserved.
        least = min(_LEAST_UNRESERVED, limit)
        if limit - _reserved(others) - int(reserved_concurrency) < least:
            raise InvalidParameterValueException(
                "Specified ReservedConcurrentExecutions for function decreases account's "
                f"UnreservedConcurrentExecution below its minimum value of [{least}]."
            )
        return put_concurrency(self, function_name, reserved_concurrency)

    def put_function_event_invoke_config(self: LambdaBackend, function_name: str, config: dict[str, Any]) -> Any:
        self.get_function(function_name).event_invoke_config = []  # a second call replaces the first
        return put_invoke_config(self, function_name, config)

    put(LambdaResponse, "get_account_settings", get_account_settings)
    put(LambdaBackend, "put_function_concurrency", put_function_concurrency)
    put(LambdaBackend, "put_function_event_invoke_config", put_function_event_invoke_config)


def _install_info() -> None:
    """Answer the one question that Remotion's CLI asks of a function without rendering: which release it is.

    No code of a function is run here; the release stands in the name that `functions deploy` gives. Every other
    invocation stays unanswered.
    """
    invoke = take(LambdaBackend, "invoke", "function_name", "qualifier", "body", "headers", "response_headers")

    def answer_info(
        self: LambdaBackend, function_name: str, qualifier: str | None, body: Any, headers: Any, response_headers: Any
    ) -> Any:
        named = _REMOTION_FUNCTION.fullmatch(self.get_function(function_name, qualifier).function_name)
        if named is None or _payload_type(body) != "info":
            return invoke(self, function_name, qualifier, body, headers, response_headers)
        payload = json.dumps({"version": named[1].replace("-", "."), "type": "success"})
        response_headers["Content-Length"] = str(len(payload))
        return payload

    put(LambdaBackend, "invoke", answer_info)


def _payload_type(body: Any) -> str:
    try:
        payload = json.loads(body or "{}")
    except ValueError:
        return ""
    return str(payload.get("type", "")) if isinstance(payload, dict) else ""


def _reserved(functions: Sequence[LambdaFunction]) -> int:
    return sum(int(function.reserved_concurrency or 0) for function in functions)


def _install_layers() -> None:
    own_layers = take(LambdaFunction, "_get_layers_data", "layers_versions_arns")
    own_version = take(LambdaResponse, "get_layer_version")

    def get_layers_data(self: LambdaFunction, layers_versions_arns: list[str]) -> list[Any]:
        data = []
        for arn in layers_versions_arns:
            if _account_of(arn) in {"", self.account_id}:
                data += own_layers(self, [arn])
                continue
            if not hosted_layer(arn):
                raise _denied(f"arn:{self.partition}:iam::{self.account_id}:root", arn)
            if _LAYER_ARN.fullmatch(arn).group(3) != self.region:  # type: ignore[union-attr]
                raise UnknownLayerVersionException([arn])
            data.append({"Arn": arn, "CodeSize": _layer_size(arn)})
        return data

    def get_layer_version(self: LambdaResponse) -> Any:
        name, version = unquote(self.path.split("/")[-3]), self.path.split("/")[-1]
        if _account_of(name) in {"", self.current_account}:
            return own_version(self)
        return _foreign_version(self, f"{name}:{version}")

    def get_layer_version_by_arn(self: LambdaResponse) -> Any:
        arn = self.querystring["Arn"][0]
        if _account_of(arn) != self.current_account:
            return _foreign_version(self, arn)
        layer = next((found for found in _versions_of(self, arn) if found.arn == arn), None)
        if layer is None:
            raise UnknownLayerException()
        return ActionResult(layer.get_layer_version())

    put(LambdaFunction, "_get_layers_data", get_layers_data)
    put(LambdaResponse, "get_layer_version", get_layer_version)
    put(LambdaResponse, "get_layer_version_by_arn", get_layer_version_by_arn)


def _versions_of(response: LambdaResponse, arn: str) -> list[Any]:
    match = _LAYER_ARN.fullmatch(arn)
    return list(response.backend.list_layer_versions(match.group(5))) if match else []


def _account_of(arn: str) -> str:
    match = _LAYER_ARN.fullmatch(arn)
    return match.group(4) if match else ""


def _layer_size(arn: str) -> int:
    return 20_000_000 + int(hashlib.sha256(arn.encode()).hexdigest()[:6], 16)


def _denied(caller: str, arn: str) -> LambdaClientError:
    error = LambdaClientError(
        "AccessDeniedException",
        f"User: {caller} is not authorized to perform: lambda:GetLayerVersion on resource: {arn} because no "
        "resource-based policy allows the lambda:GetLayerVersion action",
    )
    error.code = 403
    return error


def _foreign_version(response: LambdaResponse, arn: str) -> ActionResult:
    if not hosted_layer(arn):
        credential = keys.resolve(response.get_access_key())
        raise _denied(credential.arn if credential else "anonymous", arn)
    match = _LAYER_ARN.fullmatch(arn)
    assert match is not None
    layer_arn, _, region, account, name, version = match.groups()
    if region != response.region or not version:
        raise UnknownLayerException()
    digest = base64.b64encode(hashlib.sha256(arn.encode()).digest()).decode()
    return ActionResult(
        {
            "Content": {
                "Location": f"https://prod-{region}-starport-layer-bucket.s3.{region}.amazonaws.com/{account}/{name}",
                "CodeSha256": digest,
                "CodeSize": _layer_size(arn),
            },
            "LayerArn": layer_arn,
            "LayerVersionArn": arn,
            "Description": "",
            "CreatedDate": "2024-11-01T00:00:00.000+0000",
            "Version": int(version),
            "CompatibleArchitectures": ["arm64"],
        }
    )


def _install_roles() -> None:
    create = take(LambdaBackend, "create_function", "spec")
    update = take(LambdaBackend, "update_function_configuration", "function_name", "qualifier", "body")

    def create_function(self: LambdaBackend, spec: dict[str, Any]) -> LambdaFunction:
        _check_role(self, spec.get("Role") or "", spec.get("FunctionName") or "")
        function: LambdaFunction = create(self, spec)
        return function

    def update_function_configuration(
        self: LambdaBackend, function_name: str, qualifier: str | None, body: dict[str, Any]
    ) -> Any:
        if body.get("Role"):
            _check_role(self, body["Role"], function_name)
        return update(self, function_name, qualifier, body)

    put(LambdaBackend, "create_function", create_function)
    put(LambdaBackend, "update_function_configuration", update_function_configuration)


def _check_role(backend: LambdaBackend, role_arn: str, function_name: str) -> None:
    match = re.fullmatch(r"arn:aws[a-zA-Z-]*:iam::(\d{12}):role/.+", role_arn)
    if match is None:
        return  # moto answers with the pattern that an ARN of a role must have
    if match.group(1) != backend.account_id:
        raise CrossAccountNotAllowed()
    name = function_name.rpartition(":")[2]
    function_arn = f"arn:{backend.partition}:lambda:{backend.region_name}:{backend.account_id}:function:{name}"
    if not lambda_may_assume(backend.account_id, role_arn, function_arn):
        raise InvalidParameterValueException(_CANNOT_ASSUME)


def _install_freezing() -> None:
    """Moto's Lambda holds weak references and a lambda function, which cannot be pickled: keep plain dictionaries."""

    def get_state(self: Any) -> dict[str, Any]:
        state: dict[str, Any] = vars(self) | {"_arns": dict(self._arns)}
        if "_aliases" in state:
            state["_aliases"] = dict(state["_aliases"])
        return state

    def set_state(self: Any, state: dict[str, Any]) -> None:
        vars(self).update(state, _arns=weakref.WeakValueDictionary(state["_arns"]))
        if "_aliases" in state:
            vars(self)["_aliases"] = defaultdict(dict, state["_aliases"])

    for storage in (LambdaStorage, LayerStorage):
        take(storage, "__init__")
        put(storage, "__getstate__", get_state)
        put(storage, "__setstate__", set_state)
