"""Input that is wrong, and what the error must say about it: for every answer, flag and file that the program reads."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

ESCAPE: Final = "\x1b[31mred\x1b[0m"
TOKEN: Final = "IQoJb3JpZ2luX2VjEJr" + "aB3/" * 60
TITLE: Final = "\x1b]0;owned\x07"
EIGHT_BIT: Final = "\x9b31m"  # the same escape as one character
REVERSED: Final = "safe\u202egpj.exe"
MARKUP: Final = "[bold]x[/bold] [@click=app.quit]y[/] [/nope]"
HALF: Final = "a\udcff"  # a byte that was no UTF-8
LONG: Final = "x" * 5_000
HUGE: Final = "x" * 1_000_000
DEEP: Final = "[" * 400 + "]" * 400
SECRET: Final = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"

Make = Callable[[Path], object]
Content = str | bytes | Make


@dataclass(frozen=True)
class Toml:
    """A value as it is written in TOML, for what is none in Python or has several ways to be written."""

    text: str


@dataclass(frozen=True)
class Case:
    """One wrong input: the command line, the files of the machine, and what the error says."""

    id: str
    arguments: tuple[str, ...]
    says: tuple[str, ...]
    files: Mapping[str, Content] = field(default_factory=dict)  # below the home; "video/" is the folder it runs in
    environment: Mapping[str, str] = field(default_factory=dict)
    code: int = 2
    stdin: str = ""
    reads_aws: bool = False  # the sandbox is asked, read only, before the mistake can be seen
    on_stdout: bool = False  # a verdict, not an error
    unreadable: str = ""  # one of the files: the system says that it may not be read


# Kinds of files that are no text


def folder(path: Path) -> None:
    path.mkdir()


def circle(path: Path) -> None:
    path.symlink_to(path)


def endless(path: Path) -> None:
    path.symlink_to("/dev/zero")


def device(path: Path) -> None:
    path.symlink_to("/proc/self/mem")


def pipe(path: Path) -> None:
    os.mkfifo(path)


# Answers: key -> wrong values, each with what the error says. A text is given by --set and in a file, the rest in a file.

_CHOICE = "not one of the choices"
_NAME = "Allowed: letters A-Z a-z, digits"
_ONE_LIST: Final = (Toml('"x"'), "is not a list")
_ONE_FLAG: Final = (
    ("maybe", "true or false"),
    (Toml("1"), "true or false"),
    (Toml('"true"'), "true or false"),
    (ESCAPE, "true or false"),
)

WRONG: Final[Mapping[str, tuple[tuple[Any, str], ...]]] = {
    "start.goal": (
        ("", _CHOICE),
        ("New", _CHOICE),
        ("destroy", "Allowed: new, change"),
        (ESCAPE, _CHOICE),
        (HUGE, _CHOICE),
    ),
    "identity.profile": (
        ("a]b", "A profile name"),
        (LONG, "1 to 128 characters"),
        (ESCAPE, "A profile name"),
        (REVERSED, "A profile name"),
        (" acme", "without spaces"),
        (HALF, "A profile name"),
    ),
    "remotion.project": (
        ("", "Name the folder"),
        ("a\0b", "Control characters are not allowed"),
        (LONG, "is too long"),
        (EIGHT_BIT, "Control characters are not allowed"),
        (HALF, "Control characters are not allowed"),
        ("   ", "Name the folder"),
    ),
    "remotion.version": (
        ("", "is not a release"),
        ("latest", "Allowed: a full number such as 4.0.527"),
        ("4.0", "is not a release"),
        ("2.9.9", "Allowed: 3.0.0 or newer"),
        ("^4.0.1", "is not a release"),
        ("4.0.٣", "is not a release"),
        (MARKUP, "[bold]x[/bold]"),
        (HUGE, "is not a release"),
        (Toml("4.0"), "is not a text in quotation marks"),
    ),
    "remotion.regions": (
        ([], "at least one"),
        (["mars"], "does not run in mars"),
        (["us-east-1", "us-east-1"], "named twice"),
        (["us-east-1", "cn-north-1"], "different AWS partitions"),
        (["US-EAST-1"], "does not run in US-EAST-1"),
        ([ESCAPE], "\\x1b[31m"),
        ([f"r{n}" for n in range(5_000)], "and others"),
        _ONE_LIST,
        (Toml("[1]"), "a list of regions"),
        (Toml(DEEP), "a list of regions"),
    ),
    "remotion.policies": (
        ("", _CHOICE),
        ("both", _CHOICE),
        (TITLE, _CHOICE),
        (MARKUP, "[bold]"),
        (Toml("{}"), "is not one of"),
    ),
    "principal.kind": (("", _CHOICE), ("robot", "Allowed: user or role"), ("USER", _CHOICE), (REVERSED, "\\u202e")),
    "principal.name": (
        ("", "can't be empty"),
        ("a b", "can't contain a space"),
        ("ada/lovelace", "can't contain /"),
        ("имя", _NAME),
        ("adа", "can't contain а"),  # the last letter is Cyrillic
        ("x" * 65, "at most 64"),
        (ESCAPE, "can't contain"),
        (MARKUP, _NAME),
        ("a\u200bb", "\\u200b"),
        (HUGE, "1,000,000 characters"),
        (SECRET, "looks like a secret"),
        (Toml("1979-05-27"), "is not a text"),
        (Toml(DEEP), "is not a text"),
        (Toml("inf"), "is not a text"),
    ),
    "principal.service": (("", _CHOICE), ("ECS", _CHOICE), ("fargate", "Allowed: any, lambda"), (ESCAPE, _CHOICE)),
    "principal.function": (
        ("a b", "is not a Lambda function"),
        ("arn:aws:lambda:us-east-1:1:function:x", "Allowed: its name"),
        ("arn:aws:lambda:us-east-1:١٢٣٤٥٦٧٨٩٠١٢:function:x", "Allowed: its name"),
        (LONG, "is not a Lambda function"),
        (TITLE, "\\x1b]0;"),
        (Toml("[]"), "is not a text"),
    ),
    "principal.assumed_by": (
        ("a b", "can't contain a space"),
        ("arn:aws:iam::1:role/x", "is not a role's ARN"),
        (LONG, "at most 64"),
        (ESCAPE, "can't contain"),
    ),
    "principal.attach": (("", _CHOICE), ("both", "Allowed: inline or managed"), (MARKUP, "[bold]"), (HALF, "\\udcff")),
    "principal.existing": (
        ("", _CHOICE),
        ("keep", "Allowed: beside or replace"),
        (ESCAPE, _CHOICE),
        (Toml("true"), "“true”"),
    ),
    "principal.take_away": (
        (["a b"], "is not a policy"),
        (["arn:aws:iam::1:policy/x"], "Allowed: names or ARNs"),
        ([LONG], "is not a policy"),
        ([ESCAPE], "\\x1b[31m"),
        _ONE_LIST,
        (Toml("[['AmazonS3FullAccess']]"), "a list of texts"),
    ),
    "principal.permissions_boundary": (
        ("AdministratorAccess", "the ARN of a managed policy"),
        ("arn:aws:iam::123456789012:role/x", "the ARN of a managed policy"),
        ("arn:aws:iam::123456789012:policy/ä", "the ARN of a managed policy"),
        ("arn:aws:iam::١٢٣٤٥٦٧٨٩٠١٢:policy/x", "the ARN of a managed policy"),
        (ESCAPE, "Or leave it empty"),
        (HUGE, "the ARN of a managed policy"),
    ),
    "principal.path": (
        ("", "begins and ends with /"),
        ("remotion", "such as / or /remotion/"),
        ("/a//b/", "begins and ends with /"),
        ("/" + "x" * 600 + "/", "begins and ends with /"),
        ("/ä/", "printable characters"),
        (f"/{ESCAPE}/", "printable characters"),
    ),
    "principal.tags": (
        ("team", "is not a table of texts"),
        ("=video", "such as team=video"),
        ("a=1,a=2", "each key once"),
        ({"aws:x": "1"}, "this key is reserved"),
        ({"created-by": "me"}, "this key is reserved"),
        ({"a": "x" * 257}, "a value at most 256"),
        ({"x" * 129: "1"}, "1 to 128 characters"),
        ({"a": "<b>"}, "allowed are letters"),
        ({"a": SECRET}, "looks like a secret"),
        ({SECRET: "a"}, "looks like a secret"),
        ({"Team": "1", "team": "2"}, "upper and lower case"),
        ({"a": ESCAPE}, "allowed are letters"),
        ({"a": REVERSED}, "allowed are letters"),
        ({f"k{n}": "v" for n in range(60)}, "at most 49"),
        (Toml("{a = 1}"), "a table of texts"),
        (Toml("{a = {b = {c = 'd'}}}"), "a table of texts"),
    ),
    "render_role.name": (
        ("", "can't be empty"),
        ("Remotion-Lambda-Role", "exactly this name"),
        ("arn:aws:iam::12:role/x", "is not a role's ARN"),
        ("a b", "can't contain a space"),
        (ESCAPE, "can't contain"),
        (HUGE, "at most 64"),
    ),
    "render_role.attach": (("", _CHOICE), ("Managed", _CHOICE), (ESCAPE, _CHOICE), (Toml("0"), "is not one of")),
    "output_bucket.name": (
        ("My-Videos", "no capital letters"),
        ("my_videos", "no underscore"),
        ("ab", "at least 3 characters"),
        ("x" * 64, "at most 63"),
        ("https://my-videos.s3.amazonaws.com/a", "This is an address"),
        ("arn:aws:s3:::my-videos", "This is an ARN"),
        ("192.168.1.1", "IP address"),
        ("vidéos", "can't contain é"),
        (ESCAPE, "Control characters"),
        (HUGE, "at most 63"),
    ),
    "output_bucket.more": (
        (["ab"], "at least 3 characters"),
        (["one-bucket", "one-bucket"], "named twice"),
        ([ESCAPE], "Control characters"),
        ([MARKUP], "no slash"),
        _ONE_LIST,
    ),
    "output_bucket.grant": (
        ("", _CHOICE),
        ("all", "Allowed: complete or put-object"),
        (TITLE, _CHOICE),
        (LONG, _CHOICE),
    ),
    "output_bucket.prefix": (
        ("/videos", "does not begin with a slash"),
        ("a*", "can't contain *"),
        ("s3://my-videos/a", "such as videos/"),
        ("видео/", "printable ASCII"),
        (ESCAPE, "printable ASCII"),
        (HUGE, "1,000,000 characters"),
    ),
    "output_bucket.delete": _ONE_FLAG,
    "output_bucket.attach": (("", _CHOICE), ("none", _CHOICE), (ESCAPE, _CHOICE), (Toml("[]"), "is not one of")),
    "output_bucket.kms_key": (
        ("alias/videos", "an alias can't be taken"),
        ("arn:aws:kms:us-east-1:1:key/x", "is not a key's ARN"),
        ("arn:aws:kms:us-east-1:١٢٣٤٥٦٧٨٩٠١٢:key/x", "is not a key's ARN"),
        (ESCAPE, "Or leave it empty"),
        (LONG, "is not a key's ARN"),
        (HALF, "is not a key's ARN"),
    ),
    "quotas.concurrent_executions": (
        ("many", "is not a whole number"),
        ("-5", "Allowed: 1 to 100,000"),
        ("1000001", "Allowed: 1 to 100,000"),
        ("1e3", "is not a whole number"),
        ("１０００", "is not a whole number"),  # digits of full width
        ("9" * 5_000, "is not a whole number"),
        (ESCAPE, "is not a whole number"),
        (Toml("1000.0"), "is not a whole number"),
        (Toml("true"), "is not a whole number"),
        (Toml("nan"), "is not a whole number"),
        (Toml("0x" + "f" * 5_000), "Allowed: 1 to 100,000"),
    ),
    "credentials.write": (
        ("", _CHOICE),
        ("stdout", "Allowed: env-file, aws-profile or none"),
        (ESCAPE, _CHOICE),
        (HUGE, _CHOICE),
    ),
    "credentials.path": (
        ("", "Name a file"),
        (SECRET, "looks like a secret"),
        (TOKEN, "looks like a secret"),
        ("package.json", "is not a .env file"),
        ("src/Root.TSX", "is not a .env file"),
        (".gitignore", "Allowed: a name such as .env"),
        (".git/config", "is not a .env file"),
        ("config/", "is a folder"),
        (".", "is a folder"),
        ("a\0b", "Control characters are not allowed"),
        (ESCAPE, "Control characters are not allowed"),
        (EIGHT_BIT, "Control characters are not allowed"),
        (REVERSED, "Control characters are not allowed"),
        (HALF, "Control characters are not allowed"),
        (LONG, "is too long"),
    ),
    "credentials.profile": (
        ("", "1 to 128 characters"),
        ("[x]", "without [ ] # ;"),
        ("a;b", "without [ ] # ;"),
        ("a\nb", "A profile name"),
        (REVERSED, "A profile name"),
        (LONG, "1 to 128 characters"),
        (EIGHT_BIT, "A profile name"),
    ),
    "credentials.gitignore": _ONE_FLAG,
    "rotate.what": (
        ("", _CHOICE),
        ("all", "Allowed: new-key or delete-old"),
        (ESCAPE, _CHOICE),
        (Toml("1"), "is not one of"),
    ),
    "rotate.delete_after_days": (
        ("soon", "is not a whole number"),
        ("-1", "days"),
        ("999999", "days"),
        (Toml("7.5"), "is not a whole number"),
        (ESCAPE, "is not a whole number"),
    ),
    "rotate.replace": (
        ("x", "access key"),
        (SECRET, "access key"),
        (ESCAPE, "access key"),
        (LONG, "access key"),
    ),
    "undo.run": (
        ("yesterday", "is not a run"),
        ("../2026-11-21-1", "is not a run"),
        (ESCAPE, "or everything"),
        (HUGE, "is not a run"),
        (Toml("2026-11-21"), "is not a text"),
    ),
    "extras.insights": _ONE_FLAG,
    "extras.vpc": _ONE_FLAG,
    "extras.custom_layer_arns": (
        (["x"], "is not the ARN of a layer version"),
        (["arn:aws:lambda:us-east-1:123456789012:layer:x"], "has no version"),
        (["arn:aws:lambda:us-east-1:123456789012:layer:*:1"], "is a pattern"),
        (["arn:aws:lambda:us-east-1:١٢٣٤٥٦٧٨٩٠١٢:layer:x:1"], "is not the ARN of a layer version"),
        ([ESCAPE], "Allowed: the ARN of one version"),
        ([LONG], "is not the ARN"),
        _ONE_LIST,
    ),
    "extras.aws_managed_policies": (
        (["x"], "is not one of AWS's policies"),
        (["AdministratorAccess"], "Allowed: "),
        ([ESCAPE], "is not one of AWS's policies"),
        ([HUGE], "is not one of AWS's policies"),
        _ONE_LIST,
    ),
    "extras.operator": (
        (["everything"], "is not an operator permission"),
        (["Invoke"], "Did you mean invoke?"),
        ([ESCAPE], "Allowed: list-functions"),
        ([LONG], "is not an operator permission"),
        _ONE_LIST,
    ),
    "extras.operator_principal": (
        ("ada", "Allowed: user/NAME or role/NAME"),
        ("group/ada", "is not a user or role"),
        ("user/a b", "is not a user or role"),
        (f"user/{ESCAPE}", "\\x1b[31m"),
        (LONG, "is not a user or role"),
    ),
}

# Right by themselves, wrong together: what is given, which answer the error names, and what it says.
TOGETHER: Final = (
    ("principal.kind=role", "principal.name", "Name the role"),
    ("principal.kind=role principal.name=a principal.function=b", "principal.name", "not both"),
    ("principal.function=b", "principal.function", "goes with principal.kind = role"),
    (
        "principal.kind=role principal.name=a principal.service=ec2 principal.function=b",
        "principal.function",
        "runs in AWS Lambda",
    ),
    ("principal.assumed_by=b", "principal.assumed_by", "goes with principal.kind = role"),
    ("principal.kind=role principal.name=a principal.assumed_by=a", "principal.assumed_by", "can't be its own"),
    ("principal.kind=role principal.name=a principal.path=/x/", "principal.path", "keeps what it has"),
    ("principal.kind=role principal.name=a principal.tags=x=y", "principal.tags", "keeps what it has"),
    ("principal.kind=role principal.name=a credentials.write=env-file", "credentials.write", "needs no access key"),
    ("extras.operator_principal=user/ada", "extras.operator_principal", "name some in extras.operator"),
    ("output_bucket.more=some-bucket", "output_bucket.more", "name the first one in output_bucket.name"),
    ("output_bucket.grant=put-object", "output_bucket.grant", "goes with an output bucket"),
    ("output_bucket.prefix=x/", "output_bucket.prefix", "goes with an output bucket"),
    ("output_bucket.delete=yes", "output_bucket.delete", "goes with an output bucket"),
    (
        "output_bucket.name=my-videos output_bucket.grant=put-object output_bucket.delete=yes",
        "output_bucket.delete",
        "minimum",
    ),
    ("output_bucket.name=my-videos output_bucket.more=my-videos", "output_bucket.more", "need not be named again"),
)

# Answers files as a whole: their bytes, and what the error says.
V: Final = "version = 1\n"
ANSWERS_FILES: Final[Mapping[str, tuple[Content, str]]] = {
    "empty": ("", "version is missing"),
    "no version": ('[principal]\nname = "ada"\n', "Begin the file with: version = 1"),
    "another version": ("version = 2", "version: 2 is not known. Allowed: 1"),
    "version as text": ('version = "1"', "version: 1 is not known"),
    "version as a fraction": ("version = 1.0", "version: 1.0 is not known"),
    "version as a flag": ("version = true", "version: "),
    "version as a date": ("version = 1979-05-27", "version: this is not known"),
    "version of a thousand digits": ("version = 0x" + "f" * 5_000, "version: this is not known"),
    "version with an escape": ('version = "\\u001b[31m"', "version: \\x1b[31m is not known"),
    "a number too long": (V + "[quotas]\nconcurrent_executions = " + "9" * 5_000, "This is not TOML"),
    "a date that never was": (V + "[principal]\nname = 2026-02-31", "This is not TOML"),
    "no TOML": ("hello", "This is not TOML"),
    "JSON": ('{"version": 1}', "line 1, column 1"),
    "YAML": ("---\nversion: 1\n", "This is not TOML"),
    "half a table": (V + "[principal\n", "This is not TOML"),
    "half a text": (V + '[principal]\nname = "ada\n', "line 3"),
    "a key twice": (V + "[principal]\nname = 'a'\nname = 'b'\n", "This is not TOML"),
    "a table twice": (V + "[principal]\n[principal]\n", "This is not TOML"),
    "old line ends": ("version = 1\r[principal]", "This is not TOML"),
    "a control character": (V + "[principal]\nname = 'a\x07b'\n", "This is not TOML"),
    "an escape": (V + f"[principal]\nname = '{ESCAPE}'\n", "This is not TOML"),
    "a table of tables": (V + "[[principal]]\nname = 'x'\n", "principal: this must be a table"),
    "a table that is a number": (V + "principal = 3\n", "principal: this must be a table: [principal]"),
    "an unknown table": (V + "[nope]\n", "nope: there is no such table. Allowed: start"),
    "an unknown table, nearly": (V + "[princpal]\n", "Did you mean principal?"),
    "a table in capitals": (V + "[Principal]\nname = 'x'\n", "Did you mean principal?"),
    "an unknown key": (V + "[principal]\nnope = 1\n", "principal.nope: there is no such key."),
    "an unknown key, nearly": (V + "[principal]\nnmae = 'x'\n", "Did you mean principal.name?"),
    "a key beside the tables": (V + "name = 'ada'\n", "name: there is no such table"),
    "a key with markup": (V + '[principal]\n"[bold]x[/bold]" = 1\n', "[bold]x[/bold]"),
    "a key with an escape": (V + '[principal]\n"\\u001b[31mx" = 1\n', "\\x1b[31mx"),
    "a table with an escape": (V + '["\\u001b]0;owned\\u0007"]\n', "there is no such table"),
    "a key that reads backwards": (V + '[principal]\n"na\\u202eem" = 1\n', "\\u202e"),
    "a key with a foreign letter": (V + '[principal]\n"n\\u0430me" = "x"\n', "there is no such key"),
    "a key of a megabyte": (V + "[principal]\n" + "x" * 900_000 + " = 1\n", "there is no such key"),
    "a key of many parts": (V + "[principal]\nname." + ".".join("a" * 900) + " = 1\n", "principal.name"),
    "an empty key": (V + '[principal]\n"" = 1\n', "there is no such key"),
    "a secret": (
        V + f"[credentials]\naws_secret_access_key = '{SECRET}'\n",
        "credentials.aws_secret_access_key: there is no such key",
    ),
    "nested lists": (V + "[principal]\nname = " + "[" * 5_000, "nested too deeply"),
    "nested tables": (V + "[principal]\nname = " + "{a=" * 3_000 + "1" + "}" * 3_000, "nested too deeply"),
    "a text of a megabyte": (
        V + f"[principal]\nname = '{'x' * 900_000}'\n",
        "principal.name: A user name has 900,000 characters",
    ),
    "too large": (b"version = 1\n" + b"#" * 1_000_001, "too large for an answers file"),
    "Latin-1": ("version = 1\n# é".encode("latin-1"), "not UTF-8 text (byte 14)"),
    "UTF-16": (V.encode("utf-16"), "not UTF-8 text (byte 0)"),
    "UTF-32": (V.encode("utf-32-be"), "This is not TOML"),
    "half a character": (b"version = 1\n# \xe2\x82", "not UTF-8 text"),
    "a surrogate": (b"version = 1\n# \xed\xa0\x80", "not UTF-8 text"),
    "zeros": (b"\0" * 100, "This is not TOML"),
    "an archive": (b"PK\x03\x04\x14\x00\x00\x00", "This is not TOML"),
    "an image": (b"\x89PNG\r\n\x1a\n", "not UTF-8 text"),
    "a folder": (folder, "can't be read: Is a directory"),
    "a link in a circle": (circle, "can't be read: Too many levels"),
    "a link to nowhere": (lambda path: path.symlink_to("nowhere"), "there is no such file"),
    "a link without an end": (endless, "too large for an answers file"),
    "memory": (device, "can't be read"),
    "nothing there": (lambda path: None, "there is no such file"),
}


def _flags() -> list[Case]:
    """Wrong values of flags, by command. That each flag has a value is tested for all of them at once."""
    cases: list[Case] = []

    def add(line: str, *says: str, **more: Any) -> None:
        words = tuple(_WORDS.get(word, word) for word in line.split())
        cases.append(Case(line, words, says, **more))

    for command in (
        "plan --set principal.name=a",
        "apply --yes --set principal.name=a",
        "check",
        "quotas",
        "explain x",
    ):
        add(f"{command} --region mars", "--region", "Allowed: a name such as us-east-1")
        add(f"{command} --region ESCAPE", "--region", "\\x1b[31m")
        add(f"{command} --profile LONG", "--profile", "1 to 128 characters")
        add(f"{command} --profile ESCAPE", "--profile", "A profile name")
        add(f"{command} --endpoint-url nonsense", "--endpoint-url", "Allowed: http://host:port")
        add(f"{command} --sandbox nowhere", "--sandbox", "Allowed: fresh")
    credentials = "credentials explain"
    add(f"{credentials} --region HUGE", "--region", "is not a region")
    add(f"{credentials} --profile REVERSED", "--profile", "A profile name")
    add(f"{credentials} --endpoint-url ftp://x", "--endpoint-url", "is not an address")
    add(f"{credentials} --sandbox MARKUP", "--sandbox", "[bold]x[/bold]")
    add(f"{credentials} --folder /nowhere", "--folder", "there is no folder", "/nowhere")
    add(f"{credentials} --folder NUL", "--folder", "a\\x00b")
    add(f"{credentials} --folder LONG", "--folder", "there is no folder")
    add(f"{credentials} --folder HALF", "--folder", "\\udcff")
    add(f"{credentials} --folder ESCAPE", "--folder", "\\x1b[31m")
    for url in ("http://", "http://[::1", "http://x:99999", "http://me:secret@x", "http://x:0", "file:///etc/passwd"):
        add(f"check --endpoint-url {url}", "--endpoint-url", "is not an address")
    add("check --endpoint-url ESCAPE", "--endpoint-url", "is not an address")
    add("check --endpoint-url LINES", "--endpoint-url", "is not an address")
    add("check --endpoint-url http://localhost:1 --sandbox", "--endpoint-url", "exclude each other")
    add("plan --region LINES", "--region", "is not a region")
    add("plan --region HUGE", "--region", "is not a region")
    add("plan --sandbox ../../etc --set principal.name=a", "--sandbox", "“../../etc”")
    add("plan --sandbox ESCAPE --set principal.name=a", "--sandbox", "\\x1b[31m")
    add("plan --sandbox HUGE --set principal.name=a", "--sandbox", "Allowed: fresh")
    add("check --user SPACE", "--user", "can't contain a space")
    add("check --user ESCAPE", "--user", "can't contain")
    add("check --user HUGE", "--user", "at most 64")
    add("check --user arn:aws:iam::123456789012:user/x", "--user", "can't contain")
    add("check --role ../x", "--role", "can't contain /")
    add("check --role arn:aws:iam::x", "--role", "is not a role's ARN")
    add("check --role ESCAPE", "--role", "can't contain")
    add("check --remotion-version latest", "--remotion-version", "Allowed: a full number")
    add("check --remotion-version 2.0.0", "--remotion-version", "Allowed: 3.0.0 or newer")
    add("check --remotion-version ESCAPE", "--remotion-version", "\\x1b[31m")
    add("check --live=yes", "--live")
    for command in ("plan", "apply --yes", "check", "setup --dry-run"):
        add(f"{command} --set nonsense", "--set", "write KEY=VALUE")
        add(f"{command} --set principal.nmae=x", "--set", "Did you mean principal.name?")
        add(f"{command} --answers missing.toml", "missing.toml", "there is no such file")
        add(f"{command} --answers LONG", "--answers", "can't be read")
    add("plan --set EMPTY", "--set", "KEY=VALUE")
    add("plan --set =x", "--set", "there is no such key. Allowed: start.")
    add("plan --set HUGE", "--set", "KEY=VALUE")
    add("plan --set HUGE_KEY", "--set", "there is no such key")
    add("plan --set ESCAPE_KEY", "--set", "\\x1b[31m")
    add("plan --set MARKUP_KEY", "--set", "[bold]")
    add("plan --set version=1", "--set", "there is no such key")
    add("plan --set principal=x", "--set", "Allowed: principal.kind")
    add("plan --answers NUL", "--answers", "can't be read")
    add("plan --answers ESCAPE", "--answers", "there is no such file")
    add("plan --answers HALF", "--answers", "there is no such file")
    add("plan --answers /dev/zero", "/dev/zero", "too large")
    add("plan --answers ~nobody-of-this-name/x", "there is no such file")
    add("plan", "--answers FILE", "--set KEY=VALUE")
    add("apply --yes", "--answers FILE")
    add("plan --format xml", "--format", "'terraform'")
    add("plan --format ESCAPE", "--format", "'terraform'")
    add("plan --format HUGE", "--format", "'terraform'")
    add("setup --ask nope --set principal.name=a", "--ask", "Allowed: start, identity")
    add("setup --ask review --set principal.name=a", "--ask", "there is no step “review”")
    add("setup --ask ESCAPE --set principal.name=a", "--ask", "\\x1b[31m")
    add("setup --ask policies", "--ask", "--answers")
    for place, says in (
        ("/", "is a folder"),
        ("/nowhere/x/y", "there is no folder"),
        ("NUL", "null"),
        ("LONG", "too long"),
    ):
        add(f"setup --dry-run --save-answers {place}", "--save-answers", says)
    add("setup --dry-run --save-answers /dev/zero", "--save-answers", "is not a file")
    for hours in ("x", "73", "1.5", "ESCAPE", "HUGE"):
        add(f"setup --dry-run --remember {hours}", "--remember")
        add(f"apply --yes --set principal.name=a --remember {hours}", "--remember")
    add("policies robot", "kind", "'output-bucket'")
    add("policies HUGE", "kind", "'output-bucket'")
    add("policies user ada", "takes no name")
    add("policies user --partition mars", "--partition", "Allowed: aws, aws-cn or aws-us-gov")
    add("policies role --partition ESCAPE", "--partition", "\\x1b[31m")
    add("policies operator --partition HUGE", "--partition", "there is no partition")
    add("policies user --region mars", "--region", "is not a region")
    add("policies user --region us-east-1 --partition aws", "--partition")
    add("policies user --remotion-version x", "--remotion-version", "is not a release")
    add("policies user --remotion-version 2.0.0", "--remotion-version", "Allowed: 3.0.0 or newer")
    add("policies user --remotion-version 99999999.0.0", "--remotion-version", "is not a release")
    add("policies user --account 123456789012", "--account", "policies operator")
    add("policies operator --account 12", "--account", "Allowed: twelve digits")
    add("policies operator --account ١٢٣٤٥٦٧٨٩٠١٢", "--account", "Allowed: twelve digits")
    add("policies output-bucket --bucket my-videos --account ESCAPE", "--account", "\\x1b[31m")
    for flag in (
        "--bucket x",
        "--grant complete",
        "--prefix x",
        "--kms-key x",
        "--delete",
        "--no-acls",
        "--caller",
        "--other-side",
    ):
        add(f"policies user {flag}", flag.split()[0], "goes with: policies output-bucket")
    add("policies operator nope", "nope", "Allowed: list-functions")
    add("policies operator ESCAPE", "Allowed: list-functions")
    add("policies output-bucket", "--bucket NAME")
    add("policies output-bucket --bucket My_Videos", "--bucket", "no capital letters")
    add("policies output-bucket --bucket my-videos --grant all", "--grant", "'put-object'")
    add("policies output-bucket --bucket my-videos --prefix /x", "--prefix", "begin with a slash")
    add("policies output-bucket --bucket my-videos --kms-key alias/x", "--kms-key", "an alias can't be taken")
    add("policies output-bucket --bucket my-videos --other-side", "--account 123456789012")
    add("policies output-bucket --bucket my-videos --caller --grant put-object", "--caller", "--grant complete")
    for value in ("x", "1.5", "1e3", "ESCAPE", "HUGE", "9" * 5_000):
        add(f"quotas request --value {value}", "--value", "is not a whole number")
    for value in ("0", "-1", "100001"):
        add(f"quotas request --value {value}", "--value", "Allowed: 1 to 100,000")
    add("quotas --value 9", "--value", "quotas request")
    add("quotas list --yes", "--yes", "quotas request")
    add("quotas frobnicate", "action", "'request'")
    add("quotas --all-regions --region us-east-1", "--region", "exclude each other")
    add("quotas --sandbox fresh --region us-east-1 --region cn-north-1", "--region", "partition", reads_aws=True)
    add("sandbox frobnicate", "ACTION", "'serve'")
    add("sandbox", "ACTION")
    for action in ("serve", "reset", "tick"):
        add(f"sandbox {action} --scenario nowhere", "--scenario", "Allowed: fresh")
        add(f"sandbox {action} --scenario ../../x", "--scenario", "“../../x”")
    add("sandbox serve --port x", "--port", "is not a whole number")
    add("sandbox serve --port 99999", "--port", "Allowed: 0 to 65535")
    add("sandbox serve --port -1", "--port", "Allowed: 0 to 65535")
    add("sandbox serve --latency x", "--latency", "is not a whole number")
    add("sandbox serve --latency 99999999", "--latency", "Allowed: 0 to 60000")
    add("sandbox tick --days 0", "--days", "Allowed: 1 to 365")
    add("sandbox tick --days HUGE", "--days", "is not a whole number")
    add("credentials", "ACTION", "required")
    add("credentials frobnicate", "ACTION", "'explain'")
    add("credentials rotate --user SPACE --yes", "--user", "can't contain a space")
    add("credentials rotate --user ESCAPE --yes", "--user", "can't contain")
    add("credentials rotate --user HUGE --yes", "--user", "at most 64")
    add("undo ESCAPE --yes", "undo", "\\x1b[31m", "or everything")
    add("undo ../2026-11-21-1 --yes", "undo", "is not a run")
    add("undo HUGE --yes", "undo", "is not a run")
    add("undo 2026-11-21-1 --everything", "undo", "exclude each other")
    add("profiles frobnicate", "action", "'forget'")
    add("profiles forget ESCAPE", "There is no reference")
    add("profiles forget HUGE", "There is no reference")
    add("profiles list x", "profiles forget")
    add("answers frobnicate", "ACTION", "'schema'")
    add("frobnicate", "COMMAND", "'setup'")
    add("HUGE", "COMMAND", "'setup'")
    add("ESCAPE", "COMMAND", "'setup'")
    add("EMPTY", "COMMAND", "'setup'")
    add("plan surplus", "surplus", "--help")
    add("plan --frobnicate", "--frobnicate")
    add("plan --answer x", "--answer")
    add("setup --plain", "terminal", "--answers FILE", "--set KEY=VALUE", "--yes")
    add("setup --resume --dry-run --sandbox fresh", "terminal", "--answers FILE")
    add("setup --set principal.name=a/b --yes", "principal.name", "can't contain /")
    return cases


_WORDS: Final[Mapping[str, str]] = {
    "ESCAPE": ESCAPE,
    "ESCAPE_KEY": f"{ESCAPE}=1",
    "MARKUP": MARKUP,
    "MARKUP_KEY": f"{MARKUP}=1",
    "REVERSED": REVERSED,
    "HALF": HALF,
    "LONG": LONG,
    "HUGE": HUGE,
    "HUGE_KEY": f"{HUGE}=1",
    "NUL": "a\0b",
    "EMPTY": "",
    "SPACE": "a b",
    "LINES": "http://local\nhost",
}
FLAGS: Final = _flags()


# The project's .env, and what lies beside it

_PLAN: Final = ("plan", "--sandbox", "fresh", "--set", "principal.name=ada")
_TO_PROFILE: Final = (*_PLAN, "--set", "credentials.write=aws-profile")
_NO_TEXT: Final[Mapping[str, tuple[Content, str]]] = {
    "a folder": (folder, "is not a file"),
    "a link in a circle": (circle, "Too many levels"),
    "a link without an end": (endless, "is not a file"),
    "memory": (device, "Input/output error"),
    "a pipe": (pipe, "is not a file"),
    "UTF-16": ("A=b\n".encode("utf-16"), "is not UTF-8 text"),
    "Latin-1": ("A=é\n".encode("latin-1"), "is not UTF-8 text"),
    "bytes": (b"A=b\n\xff\xfe\x00", "is not UTF-8 text"),
    "too large": (b"#" * 4_000_001, "is too large"),
}
FILES: Final = [
    *(
        Case(
            f"state folder {folder}: {line}",
            tuple(line.split()),
            ("The sandbox's folder can't be used", says, "REMOTION_LAMBDA_WIZARD_STATE"),
            environment={"REMOTION_LAMBDA_WIZARD_STATE": folder},
        )
        for folder, says in (("/dev/null/x", "Not a directory"), ("x" * 300, "File name too long"))
        for line in (
            "plan --sandbox fresh --set principal.name=ada",
            "apply --yes --sandbox fresh --set principal.name=ada",
            "check --sandbox fresh",
            "undo --yes --sandbox fresh",
            "quotas --sandbox fresh",
        )
    ),
    *(
        Case(
            f".env: {name}", _PLAN, ("credentials.path", "The .env file", says), {"video/.env": content}, reads_aws=True
        )
        for name, (content, says) in _NO_TEXT.items()
    ),
    *(
        Case(
            f"credentials explain, .env: {name}",
            ("credentials", "explain"),
            ("The .env file", says),
            {"video/.env": content},
        )
        for name, (content, says) in _NO_TEXT.items()
    ),
    *(
        Case(
            f"~/.aws/credentials: {name}",
            _TO_PROFILE,
            ("credentials.profile", "The AWS credentials file", says),
            {".aws/credentials": content},
            reads_aws=True,
        )
        for name, (content, says) in _NO_TEXT.items()
    ),
    *(
        Case(f"{file}: no permission", line, (says, "Permission denied"), {file: V}, reads_aws=True, unreadable=file)
        for says, file, line in (
            ("--answers", "video/answers.toml", ("plan", "--answers", "answers.toml")),
            ("credentials.path", "video/.env", _PLAN),
            ("credentials.profile", ".aws/credentials", _TO_PROFILE),
        )
    ),
    Case(
        "a project that is not there",
        (*_PLAN, "--set", "remotion.project=/nowhere"),
        ("remotion.project", "there is no folder /nowhere"),
        reads_aws=True,
    ),
    Case(
        "a project that is a file",
        (*_PLAN, "--set", "remotion.project=package.json"),
        ("remotion.project", "there is no folder"),
        {"video/package.json": "{}"},
        reads_aws=True,
    ),
    Case(
        "a project that leads in a circle",
        (*_PLAN, "--set", "remotion.project=loop"),
        ("remotion.project", "there is no folder"),
        {"video/loop": circle},
        reads_aws=True,
    ),
    Case(
        "a release before Remotion Lambda",
        _PLAN,
        ("remotion.version", "3.0.0"),
        {"video/package.json": '{"dependencies": {"@remotion/lambda": "2.1.0"}}'},
        reads_aws=True,
    ),
]


# The files and variables of the AWS tools. Exit code 3: no usable credentials.

KEY: Final = "[default]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = abcdefgh\n"
_CONFIG = "AWS configuration file can't be read"
_SETTINGS = "The AWS settings of the default credentials can't be used"


def _aws() -> list[Case]:
    cases: list[Case] = []

    def add(name: str, *says: str, config: Content = "", credentials: Content = "", **environment: str) -> None:
        files = {"config": config, "credentials": credentials}
        given = {f".aws/{file}": content for file, content in files.items() if content}
        cases.append(Case(f"AWS: {name}", ("check",), says, given, environment, code=3))

    for file in ("config", "credentials"):
        for name, content, says in (
            ("a line in no section", "nonsense\n", "line 1 stands in no [section]"),
            ("half a section", "[default\n", "line 1 stands in no [section]"),
            ("a line that is no setting", "[default]\nnonsense\n", "line 2 is neither"),
            ("a section twice", "[default]\n[default]\n", "[default] is there twice"),
            ("a setting twice", "[default]\na = 1\na = 2\n", "a in [default] is there twice"),
            ("a secret in the wrong line", f"[default]\n{SECRET}\n", "line 2 is neither"),
            ("UTF-16", "[default]\n".encode("utf-16"), "not UTF-8 text"),
            ("bytes", b"[default]\n\xff\xfe\n", "not UTF-8 text"),
            ("an escape in a section", f"[{ESCAPE}]\n[{ESCAPE}]\n", "is there twice"),
            ("an escape as a line", f"[default]\n{ESCAPE}\n", "line 2 is neither"),
            ("a line of a megabyte", f"[default]\n{HUGE}\n", "line 2 is neither"),
        ):
            add(f"{file}: {name}", _CONFIG, f".aws/{file}", says, **{file: content})  # type: ignore[arg-type]
        for name, make, says in (
            ("a folder", folder, "is not a file"),
            ("a link in a circle", circle, "Too many levels"),
            ("a pipe", pipe, "is not a file"),
            ("a link without an end", endless, "is not a file"),
        ):
            add(f"{file}: {name}", "No AWS credentials were found", f".aws/{file}", says, **{file: make})  # type: ignore[arg-type]
    for name, region in (
        ("unknown", "mars"),
        ("spaces", "us east"),
        ("an escape", ESCAPE),
        ("long", LONG),
        ("a name", "N. Virginia"),
    ):
        add(
            f"region: {name}",
            "is not an AWS region",
            "such as us-east-1",
            credentials=KEY,
            config=f"[default]\nregion = {region}\n",
        )
        add(
            f"AWS_DEFAULT_REGION: {name}",
            "is not an AWS region",
            "AWS_DEFAULT_REGION",
            credentials=KEY,
            AWS_DEFAULT_REGION=region,
        )
    for setting, says in (
        ("defaults_mode = odd", "odd"),
        ("sts_regional_endpoints = odd", "odd"),
        ("endpoint_url = nonsense", "nonsense"),
        ("endpoint_url = http://[::1", "URL"),
        ("services = nowhere", "nowhere"),
        ("request_min_compression_size_bytes = many", "many"),
        ("request_checksum_calculation = never", "when_required"),
        ("account_id_endpoint_mode = odd", "'preferred'"),
    ):
        add(
            f"setting {setting}", _SETTINGS, says, credentials=KEY, config=f"[default]\nregion = us-east-1\n{setting}\n"
        )
    add("a nested setting", _CONFIG, "indented", config="[default]\ns3 =\n  addressing_style\n")
    for name, text, says in (
        ("a role of itself", "role_arn = x\nsource_profile = default", "Infinite loop"),
        ("a role of nobody", "role_arn = x\nsource_profile = nobody", "nobody"),
        ("a role of an unknown source", "role_arn = x\ncredential_source = Nowhere", "Nowhere"),
        ("a token that is not there", "role_arn = x\nweb_identity_token_file = /nowhere", "/nowhere"),
        ("a program that is not there", "credential_process = /nowhere/program", "/nowhere/program"),
        ("a program that says nothing", "credential_process = true", "is not JSON"),
        ("a program with an open quote", "credential_process = echo 'x", "No closing quotation"),
        ("an sso-session that is not there", "sso_session = x\nsso_account_id = 1\nsso_role_name = y", "sso-session"),
    ):
        add(name, _SETTINGS, says, config=f"[default]\n{text}\n")
    add("a role of nothing", "No AWS credentials were found", "source_profile", config="[default]\nrole_arn = x\n")
    program = """echo '{"Version": 1, "AccessKeyId": 5, "SecretAccessKey": {}}'"""
    add("a program that prints nonsense", "The access key id", config=f"[default]\ncredential_process = {program}\n")
    for name, key, secret, says in (
        ("an empty key", "", "", "access key id"),
        ("a key with a space", "AKIA B", "abc", "access key id"),
        ("a key with an escape", f"AKIA{ESCAPE}", "abc", "access key id"),
        ("a key of other letters", "АКИА", "abc", "access key id"),
        ("a key of a megabyte", "A" * 1_000_000, "abc", "access key id"),
        ("a secret with a space", "AKIAIOSFODNN7EXAMPLE", "abc def", "secret access key"),
        ("a secret of other letters", "AKIAIOSFODNN7EXAMPLE", "äbc", "secret access key"),
    ):
        text = f"[default]\naws_access_key_id = {key}\naws_secret_access_key = {secret}\n"
        add(name, says, "is not one", "aws configure", credentials=text)
    add(
        "half a key",
        "missing: aws_secret_access_key",
        credentials="[default]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\n",
    )
    add("half a key in the environment", "AWS_SECRET_ACCESS_KEY", AWS_ACCESS_KEY_ID="AKIAIOSFODNN7EXAMPLE")
    for name, profile, shown in (
        ("unknown", "nobody", "nobody"),
        ("an escape", ESCAPE, "red"),
        ("markup", MARKUP, "[bold]x[/bold]"),
    ):
        add(f"AWS_PROFILE: {name}", "There is no AWS profile", shown, AWS_PROFILE=profile)
    add("AWS_ENDPOINT_URL", _SETTINGS, "nonsense", credentials=KEY, AWS_ENDPOINT_URL="nonsense")
    add("a container elsewhere", _SETTINGS, "evil.example", AWS_CONTAINER_CREDENTIALS_FULL_URI="http://evil.example/")
    add("a token in the environment", _SETTINGS, "/nowhere", AWS_WEB_IDENTITY_TOKEN_FILE="/nowhere", AWS_ROLE_ARN="x")
    return cases


AWS: Final = _aws()


# Pasted errors. What is not known ends with 1 and says so; no text and too much of it are wrong usage.

_UNKNOWN: Final = "holds no error that the wizard knows"
EXPLAIN: Final = [
    Case("explain: nothing", ("explain",), ("No text was given", "explain")),
    Case("explain: an empty word", ("explain", ""), ("No text was given",)),
    Case("explain: blanks", ("explain", " \n\t "), ("No text was given",)),
    Case("explain: too long", ("explain", "x" * 1_000_001), ("too long", "a million characters")),
    Case("explain: too long, from a pipe", ("explain", "-"), ("too long",), stdin="x" * 1_000_001),
    *(
        Case(f"explain: {name}", ("explain", text), (_UNKNOWN,), code=1, on_stdout=True)
        for name, text in (
            ("garbage", "\x00\x01\x02\x7f garbage"),
            ("an escape", f"{ESCAPE} and {TITLE}"),
            ("an 8-bit escape", EIGHT_BIT),
            ("markup", MARKUP),
            ("backwards", REVERSED),
            ("half a character", HALF * 10),
            ("an entity of an escape", "&#27;[31m x &#x202e;"),
            ("JSON that never ends", "{" * 50_000),
            ("deep JSON", DEEP),
            ("pictures", "🎬" * 500),
            ("a hundred thousand letters", "x" * 100_000),
            ("a line of quotes", '"' * 10_000),
        )
    ),
]
