"""Bucket names and key prefixes: S3's rules, each with its own message.

Source: "General purpose buckets naming rules" and "Naming Amazon S3 objects" (Amazon S3 User Guide).
"""

from __future__ import annotations

import re
from typing import Final

from wizard.text import listing, number, one_line, quoted

SHORTEST: Final = 3
LONGEST: Final = 63
_LONGEST_PREFIX: Final = 512  # a key has at most 1,024 bytes, and Remotion's own part of it needs room
_RESERVED_STARTS: Final = {
    "xn--": "stands for internationalised names",
    "sthree-": "is reserved by AWS",
    "amzn-s3-demo-": "is reserved by AWS for examples",
}
_RESERVED_ENDS: Final = {
    "-s3alias": "marks an access point's alias, and Remotion needs the bucket itself",
    "--ol-s3": "marks an Object Lambda access point",
    ".mrap": "marks a Multi-Region Access Point",
    "--x-s3": "marks a directory bucket (S3 Express One Zone), which Remotion can't write to",
    "--table-s3": "marks a table bucket, which holds no files",
}
_WILD: Final = {"*": "*", "?": "?", "${": "${"}


def bucket_name_problem(name: str) -> str:
    """Return what is wrong with a bucket's name and what is allowed, or "" if S3 may have a bucket of this name."""
    return _not_a_name(name) or _wrong_length(name) or _wrong_characters(name) or _wrong_form(name)


def prefix_problem(prefix: str) -> str:
    """Return what is wrong with a key prefix, or "". An empty one stands for the whole bucket."""
    if prefix.startswith("s3://"):
        return "Give the part of the key behind the bucket's name, such as videos/."
    if prefix.startswith("/"):
        return "A prefix does not begin with a slash: S3 would look for a folder without a name. Such as: videos/"
    if len(prefix) > _LONGEST_PREFIX:
        return f"The prefix has {number(len(prefix))} characters. Allowed: at most {_LONGEST_PREFIX}."
    wild = next((shown for text, shown in _WILD.items() if text in prefix), "")
    if wild:
        return f"A prefix can't contain {wild}: in a policy it would stand for anything. Allowed: plain text such as videos/"
    if not re.fullmatch(r"[\x20-\x7e]*", prefix) or '"' in prefix or "\\" in prefix:
        return "A prefix has printable ASCII characters without quotation mark and backslash, such as videos/"
    return ""


def _not_a_name(name: str) -> str:
    """What people paste in place of a name."""
    if not name:
        return f"A bucket's name can't be empty. Allowed: {SHORTEST} to {LONGEST} characters, such as my-videos."
    if name.startswith("arn:"):
        return f"This is an ARN. Give the bucket's name alone: {one_line(name.rpartition(':')[2].split('/')[0], 70)}"
    if "://" in name:
        bucket = name.split("://", 1)[1].split("/", maxsplit=1)[0].split(".s3", maxsplit=1)[0]
        return f"This is an address. Give the bucket's name alone: {one_line(bucket, 70)}"
    if "/" in name:
        bucket, _, rest = name.partition("/")
        hint = f" The folder goes into output_bucket.prefix: {one_line(rest, 60)}" if rest else ""
        return f"A bucket's name has no slash. Give the name alone: {one_line(bucket, 70)}.{hint}"
    if re.search(r"[\x00-\x1f\x7f]", name):
        return "Control characters are not allowed in a bucket's name."
    return ""


def _wrong_length(name: str) -> str:
    if len(name) < SHORTEST:
        return f"A bucket's name has at least {SHORTEST} characters; this has {len(name)}."
    if len(name) > LONGEST:
        return f"A bucket's name has at most {LONGEST} characters; this has {number(len(name))}."
    return ""


def _wrong_characters(name: str) -> str:
    if any("A" <= c <= "Z" for c in name):
        return "A bucket's name has no capital letters." + _hint(name)
    if "_" in name:
        return "A bucket's name has no underscore." + _hint(name)
    if name != name.strip() or " " in name:
        return "A bucket's name has no spaces. Allowed: letters a-z, digits, hyphens and periods."
    bad = sorted({c for c in name if not re.fullmatch(r"[a-z0-9.-]", c)})
    if bad:
        shown = listing([quoted(c)[1:-1] for c in bad[:5]])
        return f"A bucket's name can't contain {shown}. Allowed: letters a-z, digits, hyphens and periods."
    return ""


def _hint(name: str) -> str:
    likely = name.lower().replace("_", "-")
    return "" if bucket_name_problem(likely) else f" Is it {likely}?"


def _wrong_form(name: str) -> str:
    for at, what in ((0, "begin"), (-1, "end")):
        if name[at] in ".-":
            shown = "a hyphen" if name[at] == "-" else "a period"
            return f"A bucket's name can't {what} with {shown}. Allowed there: a letter a-z or a digit."
    if ".." in name:
        return "A bucket's name can't have two periods in a row."
    if re.fullmatch(r"\d{1,3}(\.\d{1,3}){3}", name):
        return "A bucket's name can't look like an IP address."
    for start, why in _RESERVED_STARTS.items():
        if name.startswith(start):
            return f"A bucket's name can't begin with {start}: that {why}."
    for end, why in _RESERVED_ENDS.items():
        if name.endswith(end):
            return f"A bucket's name can't end with {end}: that {why}."
    return ""
