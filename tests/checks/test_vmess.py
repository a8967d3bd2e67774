"""probe.checks.vmess: the answer's header is proof of the id, and the id shows nowhere."""

from uuid import UUID

import pytest
from pydantic import SecretStr
from support.kits import CLOCK, run_check
from wire.vmess_server import Request

from probe.checks import Imitable
from probe.checks.secret import SecretError
from probe.checks.vmess import VmessCheck
from probe.core.address import Endpoint
from probe.net.fake import FakeNetwork
from probe.plan.target import parse_target, secrets_of

AT = Endpoint("192.0.2.8", 10086)
USER = "0b7b1c5e-6d3f-4f0a-9d57-0d3c2c1f9a11"


def check(**options):
    return VmessCheck(host=AT.ip, port=AT.port, **{"uuid": SecretStr(USER), **options})


def run(answer, **options):
    """Against a server that answers so to a request that it can read."""
    read = []

    async def serve(peer):
        data = await peer.receive()
        try:
            read.append(Request(UUID(USER), data))
        except ValueError:
            return
        for piece in answer(read[0]):
            peer.send(piece)

    return run_check(check(**options), FakeNetwork(tcp={AT: serve})), read


def test_the_header_of_the_answer_is_proof_without_a_word_from_the_place():
    done, (request,) = run(lambda r: [r.answer()[:20], r.answer()[20:]], to="shop.example:8080")
    assert done.ops() == [("connect", 1, None), ("vmess_request", 1, None)]
    detail = done.only("vmess_request").detail
    assert (detail["authenticated"], detail["bytes"], detail["dated"]) == (True, 38, True)
    assert (request.port, request.place) == (8080, b"\x0cshop.example")
    assert request.data.startswith(b"HEAD / HTTP/1.1\r\nHost: shop.example:8080\r\n")
    assert abs(request.time - CLOCK.now().timestamp()) < 60


@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        (lambda _: [b""], "eof_error"),
        (lambda _: [], "generic_timeout_error"),
        (lambda r: [r.answer()[:-1], b""], "eof_error"),
        (lambda _: [b"HTTP/1.1 400 Bad Request\r\n"], "unknown_failure: malformed vmess reply"),
    ],
)
def test_everything_else_proves_nothing(answer, failure):
    step = run(answer)[0].only("vmess_request")
    assert (step.failure, step.detail["authenticated"]) == (failure, False)
    assert "keyed" not in step.detail


def test_without_an_id_silence_is_marked_as_saying_nothing():
    done, read = run(lambda r: [r.answer()], uuid=None)
    step = done.only("vmess_request")
    assert (step.failure, step.detail["keyed"], read) == ("generic_timeout_error", True, [])


def test_the_id_comes_from_a_file_or_the_environment_and_is_one(tmp_path, monkeypatch):
    path = tmp_path / "id"
    path.write_text(f"{USER}\n")
    monkeypatch.setenv("ID", USER.upper())
    for options in ({"uuid_file": str(path)}, {"uuid_env": "ID"}):
        done, _ = run(lambda r: [r.answer()], uuid=None, **options)
        assert done.only("vmess_request").failure is None
    path.write_text("hunter2")
    with pytest.raises(SecretError, match="a user's id is a UUID") as caught:
        check(uuid=None, uuid_file=str(path)).require()
    assert "hunter2" not in str(caught.value)


def test_an_id_in_a_url_makes_the_target_private_and_shows_nowhere():
    aim = parse_target(f"vmess://{USER}@{AT}?to=shop.example:80")
    assert secrets_of(aim.check) == ("uuid",)
    assert aim.url == f"vmess://{AT}?to=shop.example:80"
    (sending,) = aim.check.sends()
    assert USER not in repr(aim) + sending.what
    with pytest.raises(ValueError, match="a user's id is a UUID") as caught:
        parse_target(f"vmess://hunter2@{AT}")
    assert "hunter2" not in str(caught.value)
    with pytest.raises(ValueError, match="no host and port"):
        parse_target(f"vmess://{AT}?to=shop.example")


def test_its_first_packet_is_random_and_about_as_long():
    made = check()
    assert isinstance(made, Imitable)
    packets = {made.first_packet().payload for _ in range(2)}
    assert len(packets) == 2
    sent = run(lambda r: [r.answer()])[0].only("vmess_request").detail["bytes_sent"]
    assert all(abs(len(payload) - sent) < 150 for payload in packets)
    (stranger,) = check(uuid=None).sends()
    assert stranger.what.endswith("under an id that nobody has")
