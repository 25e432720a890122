"""Throws changed bytes at every parser of foreign text, and keeps what finds new code: `python -m tests.engine.fuzz`.

A parser may refuse with a ProblemError, and only so. Inputs grow out of examples; one that runs lines which none did before
joins them (sys.settrace on the parser's own modules). The same seed makes the same run.
"""

# ruff: noqa: E501 - examples

from __future__ import annotations

import argparse
import contextlib
import random
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, Final

from wizard.problem import ProblemError
from wizard.text import plain

TESTS: Final = Path(__file__).parents[1]
_LONGEST: Final = 20_000  # bytes of an input
_SLOWEST: Final = 5.0  # seconds that one input may take
_TRACED: Final = 8  # one input of so many runs traced, which is slow

_TOKENS: Final = (
    b"\0", b"\x1b[31m", b"\x9b", b"\xff\xfe", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\xe2\x80\xae", b"\r\n", b"\n", b"\r", b"\t",
    b"=", b":", b";", b"#", b"'", b'"', b"`", b"\\", b"[", b"]", b"{", b"}", b",", b".", b"..", b"/", b"*", b"?", b"!", b"$",
    b"[[", b"]]", b"{{", b"'''", b'"""', b"${", b"%(", b"\\u0000", b"\\ud800", b"null", b"true", b"nan", b"Infinity", b"1e999",
    b"-1", b"0", b"9" * 400, b"[" * 2_000, b"{" * 500, b'{"a":' * 300, b"export ", b"aws_access_key_id", b"[default]", b"arn:aws:iam::",
    b"\xd9\xa1", b"\xf0\x9f\x8e\xac", b"is not authorized to perform: ", b"Statement", b"Version", b"version = 1\n",
)  # fmt: skip


@dataclass(frozen=True)
class Target:
    """One parser: how it is called, what it may begin with, and the modules whose lines count."""

    parse: Callable[[bytes], object]
    seeds: tuple[bytes, ...]
    modules: tuple[str, ...]


class _Refused(Exception):
    """Raised where a parser refuses with what its docstring names, when that is no ProblemError."""


def _text(content: bytes) -> str:
    return content.decode("utf-8", errors="surrogateescape")


def _clean(content: bytes) -> str:
    return content.decode("utf-8", errors="replace")


def _answers(content: bytes) -> None:
    from wizard.collect.answers import Answers, parse_answers

    values = parse_answers(_clean(content))
    answers = Answers().with_values(values, "answers file")
    if not answers.problems():
        again = parse_answers(answers.to_toml())
        assert Answers().with_values(again, "answers file").to_toml() == answers.to_toml()


def _answers_file(content: bytes) -> None:
    from wizard.collect.answers import read_answers

    with _file("answers.toml", content) as path:
        read_answers(path)


def _setting(content: bytes) -> None:
    from wizard.collect.answers import Answers, parse_setting

    key, value = parse_setting(_text(content))
    Answers().with_values({key: value}, "--set").problems()


def _fields(content: bytes) -> None:
    from wizard.collect.fields import FIELDS

    text = _text(content)
    for spec in FIELDS.values():
        for value in (text, [text], text.split(","), {text: text}, len(text)):
            message = spec.problem(value)
            assert len(message) < 2_000 and message == plain(message), (spec.key, message)


def _env_file(content: bytes) -> None:
    from wizard.handover.env_file import read_variables, variables_of, write_variables

    ours = {"REMOTION_AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "OTHER": None}
    for set_aside in (False, True):
        with _file(".env", content) as path:
            before = {name: value for name, value in variables_of(path).items() if name not in ours}
            write_variables(path, ours, set_aside)
            after = read_variables(path.read_bytes().decode())
        assert after.pop("REMOTION_AWS_ACCESS_KEY_ID") == "AKIAIOSFODNN7EXAMPLE"
        assert {name: after.get(name) for name in before} == before and "OTHER" not in after


def _aws_profile(content: bytes) -> None:
    from wizard.handover.aws_profile import read_profile, set_profile

    with _file("credentials", content) as path:
        before = read_profile(path, "remotion")
        changed = set_profile(_clean(content), "remotion", "AKIAIOSFODNN7EXAMPLE", "abc/def+ghi")
        path.write_bytes(changed.encode("utf-8", errors="replace"))
        after = read_profile(path, "remotion")
    if before is not None:
        assert after is not None and after["aws_access_key_id"] == "AKIAIOSFODNN7EXAMPLE"
        assert after["aws_secret_access_key"] == "abc/def+ghi"


def _profiles(content: bytes) -> None:
    import os

    from wizard.account.profiles import credential_choices, unreadable_files

    with _file("config", content) as path:
        kept = dict(os.environ)
        os.environ.update({"AWS_CONFIG_FILE": str(path), "AWS_SHARED_CREDENTIALS_FILE": str(path)})
        try:
            for choice in credential_choices():
                assert choice.detail == plain(choice.detail)
            unreadable_files()
        finally:
            os.environ.clear()
            os.environ.update(kept)


def _machine(content: bytes) -> None:
    from wizard.check.credentials_source import answer, as_lines, look

    with _file(".aws/credentials", content) as path:
        home = path.parents[1]
        (home / ".aws" / "config").write_bytes(content)
        (home / ".env").write_bytes(content)
        machine = look(home, {"HOME": str(home), "AWS_PROFILE": _text(content[:20]).replace("\0", "")})
        for line in as_lines(machine, [answer(machine, "cli"), answer(machine, "node")], False):
            assert line == plain(line)


def _journal(content: bytes) -> None:
    from wizard.apply.journal import orphan_keys, past_runs, unfinished

    with _file("runs/123456789012/2026-11-21-1.jsonl", content) as path:
        root = path.parents[2]
        for run in past_runs("123456789012", root):
            list(run.key_attempts())
            run.stored_keys()
        unfinished("123456789012", root)
        orphan_keys("123456789012", "remotion-user", {"AKIAIOSFODNN7EXAMPLE": ""}, "", root)


def _quota_memory(content: bytes) -> None:
    from wizard.account.snapshot import Identity
    from wizard.quotas.limits import RegionQuota
    from wizard.quotas.remembered import memory_of, news

    who = Identity("123456789012", "arn:aws:iam::123456789012:user/ada", "aws", "us-east-1", "")
    with _file("quotas/123456789012.json", content) as path:
        memory = memory_of(who, root=path.parents[1])
        _ = memory.waiting
        for line in news(memory, [RegionQuota("us-east-1", limit=10, source="lambda", unreserved=10)]):
            assert line == plain(line)


def _project(content: bytes) -> None:
    from wizard.remotion.project import LOCK_FILES, detect_project

    for name in ("package.json", *LOCK_FILES):
        with _file(name, content) as path:
            detect_project(path.parent)


def _gitignore(content: bytes) -> None:
    from wizard.handover.git import _covered_by_files, ignore_line

    with _file(".gitignore", content) as path:
        _covered_by_files(path.parent / ".env", path.parent)
    ignore_line(_text(content))


def _document(content: bytes) -> dict[str, Any]:
    from wizard.policy.documents import parse

    try:
        return parse(_clean(content))
    except ValueError as error:
        raise _Refused from error


def _policy(content: bytes) -> None:
    from wizard.policy import documents as d
    from wizard.policy.evaluate import Policy, PolicySet, Request, evaluate, expand_context_keys

    document = _document(content)
    d.size(document)
    d.statements(document)
    d.canonical(document)
    d.same_meaning(document, document)
    d.foreign_statements(document, [document])
    d.actions_of(document)
    d.diff(document, None)
    expand_context_keys(document)
    request = Request("s3:GetObject", "arn:aws:s3:::b/k", "arn:aws:iam::123456789012:user/ada")
    evaluate(request, PolicySet(identity=(Policy("p", document),)))


def _trust(content: bytes) -> None:
    from wizard.account.roles import trust_problem
    from wizard.policy import trust

    document = _document(content)
    services = trust.services_of(document)
    assert all(trust.trusts_service(document, service) for service in services[:5] if "*" not in service) or services
    trust.trusts_role(document, "arn:aws:iam::123456789012:role/a")
    trust.added(document, trust.service_trust("lambda.amazonaws.com"))
    trust_problem(document, "lambda")


def _explain(content: bytes) -> None:
    from wizard.check.explain import as_lines, explain
    from wizard.check.pasted import encoded_message

    text = _text(content)
    for line in as_lines(explain(text, text)):
        assert line == plain(line)
    encoded_message(text)


def _names(content: bytes) -> None:
    from wizard.account.errors import layer_of
    from wizard.collect.meaning import role_reference
    from wizard.output.names import bucket_name_problem, prefix_problem
    from wizard.remotion.aws_managed import problem as aws_managed_problem
    from wizard.remotion.extras import layer_arn_problem
    from wizard.remotion.operators import problem as operator_problem
    from wizard.remotion.releases import parse_release
    from wizard.text import one_line, quoted

    text = _text(content)
    release = parse_release(text)
    assert release is None or parse_release(str(release)) == release
    for made in (one_line(text), quoted(text)):
        assert made == plain(made) and len(made) <= 202, made
    for problem in (bucket_name_problem, prefix_problem, layer_arn_problem, aws_managed_problem, operator_problem):
        assert len(problem(text)) < 1_500
    role_reference(text).arn("aws", "123456789012")
    layer_of(text)


def _command_line(content: bytes) -> None:
    from wizard import cli

    words = [word for word in _text(content).split("\n") if word not in {"-h", "--help", "--version"}]
    parser = cli._parser()
    known = cli._Vocabulary.of(parser)
    arguments = cli._command_first(words, known)
    cli._refuse_empty(arguments, known)
    with contextlib.suppress(SystemExit):  # an abbreviation of --help can't be: the parser takes none
        parser.parse_args(arguments)


_SEALED: Final = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}'
_ENV: Final = (
    b"# mine\nexport A='b' # c\nREMOTION_AWS_ACCESS_KEY_ID=AKIAOLD\nOTHER=\"a\\nb\"\nX: y\nM=`a\nb`\n",
    b"A=b\r\nOTHER=1\r\nOTHER=2",
)
_AWS: Final = (
    b"[default]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = abc\n[remotion]\nregion=us-east-1\n  x = 1\n",
    b"[profile a]\nsso_session = x\nsso_account_id = 1\n[sso-session x]\nsso_start_url = https://x\n[remotion]\nrole_arn = x\n"
    b"source_profile = default\ns3 =\n  addressing_style = path\n",
)
_JOURNAL: Final = (
    b'{"type":"begin","time":"2026-11-21T10:00:00+00:00","run":"2026-11-21-1","purpose":"setup","account":"123456789012",'
    b'"user":"remotion-user","changes":["a"]}\n{"type":"intent","time":"2026-11-21T10:00:01+00:00","change":"key",'
    b'"keys_before":["AKIA1"],"undo":[]}\n{"type":"key-made","access_key_id":"AKIAIOSFODNN7EXAMPLE"}\n{"type":"key-stored"}\n',
    b'{"type":"begin","account":"123456789012","user":"remotion-user"}\n{"type":"end"}\n{"type":"settled"}\n',
)


def _examples() -> tuple[bytes, ...]:
    return tuple(path.read_bytes() for path in sorted((TESTS / "answers").glob("*.toml")))


def _errors() -> tuple[bytes, ...]:
    import tomllib

    with (TESTS / "engine" / "explain.toml").open("rb") as file:
        return tuple(entry["text"].encode() for entry in tomllib.load(file)["error"])[:60]


def _policies() -> tuple[bytes, ...]:
    import json

    from wizard.remotion.catalogue import latest_release, policy

    found = [json.dumps(policy(kind, latest_release())).encode() for kind in ("user", "role")]
    return (*found, _SEALED.encode())


def targets() -> Mapping[str, Target]:
    """Every parser of what a person, a file or AWS gives."""
    answers = _examples()
    memory = b'{"version": 1, "regions": {"us-east-1": {"limit": 10, "when": "2026-11-21T00:00:00+00:00", "request": "x", "status": "PENDING", "value": 1000, "requested": ""}}}'
    project = (
        b'{"dependencies": {"@remotion/lambda": "^4.0.527"}, "devDependencies": {"remotion": "4.0.1"}}',
        b'{"packages": {"node_modules/@remotion/lambda": {"version": "4.0.527"}}}',
        b"  '@remotion/lambda@4.0.527(react@18)':\n",
        b'"@remotion/lambda@^4.0.0":\n  version "4.0.527"\n',
        b'"@remotion/lambda": ["@remotion/lambda@4.0.527", {}]',
    )
    names = (
        b"4.0.527", b"v3.0.0-rc.1", b"remotion-user", b"arn:aws:iam::123456789012:role/x/y", b"arn:aws:iam::aws:policy/A", b"my-videos",
        b"arn:aws:lambda:us-east-1:123456789012:layer:x:1", b"arn:aws:kms:us-east-1:123456789012:key/x", b"videos/", b"user/ada",
        b"explicit deny in a service control policy", b"us-east-1", b"a=b,c=d",
    )  # fmt: skip
    settings = tuple(
        b"%s=%s" % (key, value)
        for key in (
            b"principal.name",
            b"remotion.regions",
            b"principal.tags",
            b"quotas.concurrent_executions",
            b"extras.insights",
        )
        for value in names[:4]
    )
    lines = (
        b"plan\n--answers\nx.toml\n--set\nprincipal.name=ada", b"check\n--user\nx\n--live\n--json", b"--sandbox\nfresh\napply\n--yes",
        b"quotas\nrequest\n--value\n1000\n--region\nus-east-1", b"policies\noutput-bucket\n--bucket\nb\n--kms-key=x", b"explain\na\n-",
        b"sandbox\nserve\n--port\n0", b"credentials\nexplain\n--folder\n.",
    )  # fmt: skip
    return {
        "answers": Target(_answers, answers, ("wizard/collect/", "tomllib")),
        "answers-file": Target(_answers_file, answers, ("wizard/collect/",)),
        "setting": Target(_setting, settings, ("wizard/collect/", "wizard/remotion/", "wizard/output/names")),
        "fields": Target(_fields, names, ("wizard/collect/", "wizard/remotion/", "wizard/output/names")),
        "env-file": Target(_env_file, _ENV, ("wizard/handover/",)),
        "aws-profile": Target(_aws_profile, _AWS, ("wizard/handover/", "configparser")),
        "profiles": Target(_profiles, _AWS, ("wizard/account/profiles", "configparser")),
        "machine": Target(_machine, (*_AWS, *_ENV), ("wizard/check/credentials_source",)),
        "journal": Target(_journal, _JOURNAL, ("wizard/apply/journal",)),
        "quota-memory": Target(_quota_memory, (memory,), ("wizard/quotas/remembered",)),
        "project": Target(_project, project, ("wizard/remotion/",)),
        "gitignore": Target(_gitignore, (b".env\n*.log\n!/x\n\\#a\nb/\n[a-z]*\n",), ("wizard/handover/git", "fnmatch")),
        "policy": Target(_policy, _policies(), ("wizard/policy/",)),
        "trust": Target(_trust, (_SEALED.encode(),), ("wizard/policy/", "wizard/account/roles")),
        "explain": Target(_explain, _errors(), ("wizard/check/",)),
        "names": Target(_names, names, ("wizard/",)),
        "command-line": Target(_command_line, lines, ("wizard/cli",)),
    }


_folder: Final[list[Path]] = []


@contextlib.contextmanager
def _file(name: str, content: bytes) -> Iterator[Path]:
    """A file of this content in a folder of this process; what other files there are in it stays."""
    if not _folder:
        memory = Path("/dev/shm")  # where there is one: files that never reach a disk
        _folder.append(Path(tempfile.mkdtemp(prefix="fuzz-", dir=memory if memory.is_dir() else None)))
    path = _folder[0] / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


# Changing


def mutated(content: bytes, corpus: Sequence[bytes], rng: random.Random) -> bytes:
    """Return `content` with one to eight changes: flipped, cut, doubled, moved and foreign bytes."""
    data = bytearray(content)
    for _ in range(1 << rng.randrange(4)):
        at = rng.randrange(len(data) + 1)
        end = min(len(data), at + rng.randrange(1, 40))
        kind = rng.randrange(8)
        if kind == 0 and data:
            data[at % len(data)] ^= 1 << rng.randrange(8)
        elif kind == 1 and data:
            data[at % len(data)] = rng.randrange(256)
        elif kind == 2:
            del data[at:end]
        elif kind == 3:
            data[at:at] = data[at:end] * rng.randrange(1, 5)
        elif kind == 4:
            data[at:at] = rng.choice(_TOKENS)
        elif kind == 5:
            data[at:end] = rng.choice(_TOKENS)
        elif kind == 6:
            other = rng.choice(corpus)
            cut = rng.randrange(len(other) + 1)
            data[at:] = other[cut:]
        else:
            other = rng.choice(corpus)
            cut = rng.randrange(len(other) + 1)
            data[at:at] = other[cut : cut + 60]
    return bytes(data[:_LONGEST])


class Coverage:
    """Which lines of some modules have run."""

    def __init__(self, modules: Sequence[str]) -> None:
        self.modules = tuple(modules)
        self.lines: set[tuple[int, int]] = set()
        self._counts: dict[int, bool] = {}

    def _trace(self, frame: FrameType, event: str, _: Any) -> Any:
        code = frame.f_code
        counts = self._counts.get(id(code))
        if counts is None:
            counts = self._counts[id(code)] = any(module in code.co_filename for module in self.modules)
        return self._note if counts else None

    def _note(self, frame: FrameType, event: str, _: Any) -> Any:
        if event == "line":
            self.lines.add((id(frame.f_code), frame.f_lineno))
        return self._note

    def adds(self, run: Callable[[], object]) -> bool:
        """Run something; whether it ran lines that had not run before."""
        before, outer = len(self.lines), sys.gettrace()
        sys.settrace(self._trace)
        try:
            run()
        finally:
            sys.settrace(outer)
        return len(self.lines) > before


@dataclass(frozen=True)
class Found:
    """An input that a parser could not stand."""

    parser: str
    content: bytes
    error: str


def fuzz(
    name: str, target: Target, rng: random.Random, goes_on: Callable[[int], bool], guided: bool = True
) -> list[Found]:
    """Try changed inputs for as long as `goes_on` says so; what was found, one input for each place of failure."""
    corpus, found, coverage = list(target.seeds), dict[str, Found](), Coverage(target.modules)
    n = 0

    def attempt(content: bytes) -> bool:
        begun = time.perf_counter()
        added = False
        try:
            if guided and n % _TRACED == 1:
                added = coverage.adds(lambda: target.parse(content))
            else:
                target.parse(content)
        except (ProblemError, _Refused):
            pass
        except Exception as error:
            where = traceback.extract_tb(error.__traceback__)[-1]
            key = f"{type(error).__name__} {where.filename}:{where.lineno}"
            found.setdefault(key, Found(name, content, "".join(traceback.format_exception(error))))
        if time.perf_counter() - begun > _SLOWEST:
            found.setdefault("slow", Found(name, content, f"took {time.perf_counter() - begun:.1f} s"))
        return added

    for seed in target.seeds:
        attempt(seed)
    while goes_on(n):
        content = mutated(rng.choice(corpus), corpus, rng)
        n += 1
        if attempt(content) and len(corpus) < 2_000:
            corpus.append(content)
    return list(found.values())


def main() -> int:
    """Fuzz all parsers, or the named ones, for some seconds each; 1 if one of them failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="in all, shared among the parsers")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("names", nargs="*", metavar="PARSER", help=", ".join(targets()))
    options = parser.parse_args()
    chosen = {name: target for name, target in targets().items() if not options.names or name in options.names}
    failed = 0
    for name, target in chosen.items():
        end, tried = time.monotonic() + options.seconds / len(chosen), [0]

        def goes_on(n: int, end: float = end, tried: list[int] = tried) -> bool:
            tried[0] = n
            return time.monotonic() < end

        found = fuzz(name, target, random.Random(f"{options.seed}{name}"), goes_on)
        failed += len(found)
        print(f"{name}: {tried[0]:,} inputs, {len(found)} found", flush=True)
        for one in found:
            print(f"--- {one.content[:2_000]!r}\n{one.error[-1500:]}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
