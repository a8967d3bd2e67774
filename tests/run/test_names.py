"""probe.run.names: what stands in metrics and messages never tells where a private server is."""

from support.plans import planned

from probe.run.names import Names

SECRET = "vpn.friend.example"


def names(*targets, **more):
    return Names(planned(targets=targets, **more))


def test_what_is_no_secret_keeps_its_name():
    found = names({"id": "office", "service": "vpn", "feature": "tunnel", "url": "tcp://a.test:1"})
    assert found.targets == {"office": ("office", "vpn", "tunnel")}
    assert found.features == {("vpn", "tunnel"): ("", "vpn", "tunnel")}


def test_a_private_target_is_called_by_its_id():
    found = names({"id": "bridge", "url": f"tcp://{SECRET}:443", "private": True})
    assert found.targets == {"bridge": ("bridge", "bridge", "tcp")}


def test_a_private_target_without_an_id_is_counted():
    found = names(
        {"url": f"tcp://{SECRET}:443", "private": True},
        {"url": "tcp://192.0.2.1:443"},
        {"id": f"at-{SECRET}", "url": f"tls://{SECRET}", "private": True},
        {"id": "pinned", "url": "tcp://x.test:1", "private": True, "addresses": ["192.0.2.7"]},
        {"id": "192.0.2.8", "url": "tcp://y.test:1", "private": True, "addresses": ["192.0.2.8"]},
    )
    assert [name.target for name in found.targets.values()] == [
        "private-1",
        "tcp://192.0.2.1:443",
        "private-2",
        "pinned",
        "private-3",
    ]
    assert SECRET not in str([*found.targets.values()])


def test_a_service_that_is_called_after_a_private_server_is_counted_too():
    secret = {"id": "a", "service": SECRET, "url": f"tcp://{SECRET}:1", "private": True}
    found = names(secret, {"id": "b", "service": "plain", "url": "tcp://192.0.2.1:1"})
    assert found.features[SECRET, "tcp"].service == "private-service-1"
    assert found.features["plain", "tcp"].service == "plain"
    assert SECRET not in str([*found.targets.values(), *found.features.values()])


def test_names_have_an_end():
    found = names({"url": f"http://host.test/{'x' * 500}"})
    assert all(len(name.target) <= 200 for name in found.targets.values())
