"""probe.core.ids: UUIDv7 as RFC 9562 has it."""

from datetime import UTC, datetime, timedelta
from uuid import RFC_4122, UUID

from hypothesis import given
from hypothesis import strategies as st

from probe.core.ids import uuid7

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@given(
    st.datetimes(
        datetime.fromisoformat("1970-01-01"),
        datetime.fromisoformat("9999-12-31"),
        timezones=st.just(UTC),
    )
)
def test_version_variant_and_time_stand_where_the_standard_puts_them(at: datetime) -> None:
    read = UUID(uuid7(at))
    assert (read.version, read.variant) == (7, RFC_4122)
    assert read.int >> 80 == (at - EPOCH) // timedelta(milliseconds=1)


def test_ids_sort_by_time_and_never_repeat() -> None:
    start = datetime(2017, 7, 18, 4, tzinfo=UTC)
    ids = [uuid7(start + timedelta(milliseconds=n)) for n in range(2000)]
    assert ids == sorted(ids)
    assert len({uuid7(start) for _ in range(2000)}) == 2000
