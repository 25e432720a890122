"""Release numbers are read strictly and are in the order in which they came out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wizard.remotion.releases import Release, parse_release

part = st.integers(0, 99_999)
releases = st.builds(Release, part, part, part, st.just(""))


@given(releases)
def test_what_is_written_is_read_back(release: Release) -> None:
    assert parse_release(str(release)) == release
    assert parse_release(f" v{release}\n") == release


@given(releases, releases, releases)
def test_order_is_total_and_transitive(one: Release, two: Release, three: Release) -> None:
    assert (one < two) + (two < one) + (one == two) == 1
    assert (one <= two) == (not two < one)
    assert (one > two) == (two < one)
    if one < two < three:
        assert one < three
    assert sorted([one, two, three]) == sorted([three, one, two])


@given(releases, releases)
def test_order_is_that_of_the_numbers_and_not_of_the_text(one: Release, two: Release) -> None:
    assert (one < two) == ((one.major, one.minor, one.patch) < (two.major, two.minor, two.patch))


def test_a_prerelease_counts_as_the_release_it_leads_to() -> None:
    early = parse_release("4.0.418-alpha.3")
    final = parse_release("4.0.418")
    assert early is not None and final is not None
    assert not early < final and not final < early
    assert early >= final and early <= final
    assert str(early) == "4.0.418-alpha.3"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "4",
        "4.0",
        "4.0.x",
        "4.0.527.1",
        "latest",
        "^4.0.527",
        "4.0.-1",
        "٤.٠.٥",
        "4.0.5 27",
        "4.0.999999",
        "4.0.1-é",
        "4,0,1",
    ],
)
def test_anything_else_is_no_release(text: str) -> None:
    assert parse_release(text) is None


@given(st.text(max_size=40))
def test_no_text_makes_it_fail(text: str) -> None:
    found = parse_release(text)
    assert found is None or str(found).lstrip("v")
