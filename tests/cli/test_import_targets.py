"""probe import targets: a target file that a configuration is, and secrets beside it."""

import stat
from pathlib import Path

from support.command import Run, one_line

SECRET = "hunter2abc"
KEY = "ss://Y2hhY2hhMjAtaWV0Zi1wb2x5MTMwNTpodW50ZXIyYWJj@127.0.0.1:8388/#mine"
CONF = (
    "[Interface]\nPrivateKey = yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=\n"
    "[Peer]\nPublicKey = xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=\n"
    "Endpoint = 127.0.0.1:51820\n"
)


BRIDGE = f"obfs4 127.0.0.1:443 {'0' * 40} cert={'CQkJ' * 17}CQ iat-mode=0"


def sources() -> tuple[str, ...]:
    Path("hosts.txt").write_text(f"127.0.0.1:1194\nfoo://x\n{KEY}\n")
    Path("list.csv").write_text("url,notes\nhttps://localhost/,a\n")
    Path("bridges.txt").write_text(f"{BRIDGE}\n")
    Path("client.ovpn").write_text("remote 127.0.0.1 1194 udp\n")
    Path("office.conf").write_text(CONF)
    return "hosts.txt", "list.csv", "bridges.txt", "client.ovpn", "office.conf"


def test_all_kinds_come_into_one_file_that_can_be_planned(here: Run) -> None:
    done = here("import", "targets", *sources(), "--dedicated-key", "-o", "out/t.yaml")
    assert done.code == 0
    assert "row 2: 'foo://x': no check is called 'foo'" in done.err
    assert "out/t.yaml: 6 new, 0 unchanged; 1 row rejected" in done.err
    planned = here("plan", "out/t.yaml")
    assert (planned.code, "127.0.0.1:8388" in planned.out) == (0, True)
    assert "obfs4 handshake" in planned.out


def test_no_secret_stands_in_the_file_and_its_own_is_its_owners_alone(here: Run) -> None:
    here("import", "targets", *sources(), "--dedicated-key")
    text = Path("targets.yaml").read_text()
    assert SECRET not in text
    assert "yAnz5TF" not in text
    assert "CQkJ" not in text
    assert Path("127.0.0.1-443.bridge").read_text() == BRIDGE
    kept = Path("127.0.0.1-8388.key")
    assert (kept.read_text(), stat.S_IMODE(kept.stat().st_mode)) == (SECRET, 0o600)


def test_importing_again_changes_nothing_and_what_is_there_stays(here: Run) -> None:
    args = ("import", "targets", *sources(), "--dedicated-key")
    here(*args)
    first = Path("targets.yaml").read_bytes()
    done = here(*args)
    assert "0 new, 6 unchanged" in done.err
    assert Path("targets.yaml").read_bytes() == first
    Path("more.txt").write_text("localhost:7\n")
    assert "1 new, 0 unchanged; 0 rows rejected" in here("import", "targets", "more.txt").err
    assert Path("targets.yaml").read_text().count("url:") == 5


def test_a_key_that_may_be_somebodys_is_left_out_with_the_reason(here: Run) -> None:
    Path("office.conf").write_text(CONF)
    done = here("import", "targets", "office.conf")
    assert (done.code, "takes the tunnel away" in done.err) == (2, True)
    assert not Path("targets.yaml").exists()


def test_a_configuration_with_more_in_it_is_left_alone(here: Run) -> None:
    Path("p.yaml").write_text("services: [whatsapp]\ntargets: [{url: 'tcp://127.0.0.1:1'}]\n")
    Path("h.txt").write_text("127.0.0.1:2\n")
    one_line(here("import", "targets", "h.txt", "-o", "p.yaml"), 2, "more than targets in it")
    one_line(here("import", "targets", "none.txt"), 2, "cannot read 'none.txt'")
    one_line(here("import", "targets", "h.txt", "--from", "stop"), 2, "do not go with targets")
