"""Which backend is next, and which is left alone."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from erlen.middleware import Backend, Balancer, HealthCheck
from erlen.middleware.balancer._backends import Circuit, Member, Members, Policy

pytest.importorskip("urllib3", reason="urllib3 (extra middleware) is not installed")


def members(policy: Policy, *weights: int, failures: int = 1) -> Members:
    backends = [Backend(f"http://b{n}", weight, f"b{n}") for n, weight in enumerate(weights)]
    return Members([Member(each, None, Circuit(failures, 10)) for each in backends], policy)


def take(group: Members, now: float = 0, preferred: str = "", tried: Any = ()) -> Member:
    member = group.take(now, preferred, tried)
    assert member is not None
    return member


class TestPolicies:
    def test_round_robin_is_smooth(self) -> None:
        group = members("round_robin", 5, 1, 1)
        order = [take(group).backend.name[1:] for _ in range(7)]
        assert "".join(order) == "0010200"

    @given(weights=st.lists(st.integers(1, 9), min_size=1, max_size=5), rounds=st.integers(1, 3))
    def test_round_robin_gives_each_its_share(self, weights: list[int], rounds: int) -> None:
        group = members("round_robin", *weights)
        found = Counter(take(group).backend.name for _ in range(rounds * sum(weights)))
        assert found == {f"b{n}": rounds * weight for n, weight in enumerate(weights)}

    @given(
        weights=st.lists(st.integers(1, 4), min_size=1, max_size=4),
        steps=st.lists(st.integers(0, 9), max_size=30),
    )
    def test_least_connections(self, weights: list[int], steps: list[int]) -> None:
        """A step takes a backend, or gives back one of those that were taken."""
        group, held = members("least_connections", *weights), list[Member]()
        for step in steps:
            if step < len(held):
                group.give(held.pop(step), False, 0)
                continue
            least = min(each.active / each.backend.weight for each in group)
            member = take(group)
            assert (member.active - 1) / member.backend.weight == least
            held.append(member)
        assert sum(each.active for each in group) == len(held)

    def test_what_was_tried_comes_last(self) -> None:
        group = members("round_robin", 9, 1)
        first = take(group)
        second = take(group, tried=[first])
        assert second is not first
        assert take(group, tried=[first, second]) in (first, second)

    def test_a_client_stays_where_it_was_while_that_is_well(self) -> None:
        group = members("round_robin", 1, 1)
        assert {take(group, preferred="b1").backend.name for _ in range(3)} == {"b1"}
        group.set_health(take(group, preferred="b1"), False)
        assert take(group, preferred="b1").backend.name == "b0"


class TestCircuit:
    def test_failures_in_a_row_open_it(self) -> None:
        circuit = Circuit(2, 10)
        for failed in (True, False, True):
            circuit.leave(failed, 0)
        assert circuit.admits(0)
        circuit.leave(True, 0)
        assert not circuit.admits(9.9)
        assert circuit.admits(10)

    def test_one_request_tries(self) -> None:
        circuit = Circuit(1, 10)
        circuit.leave(True, 0)
        circuit.enter()
        assert not circuit.admits(10)
        circuit.leave(None, 10)  # it came back without telling: the next one tries
        assert circuit.admits(10)
        circuit.enter()
        circuit.leave(True, 11)
        assert not circuit.admits(20.9)
        circuit.enter()
        circuit.leave(False, 21)
        assert circuit.admits(21)
        circuit.enter()
        assert circuit.admits(21)

    def test_nobody_left(self) -> None:
        group = members("round_robin", 1, 1)
        for _ in range(2):
            group.give(take(group), True, 0)
        assert group.take(9, "", ()) is None
        assert group.take(10, "", ()) is not None


class TestSetUp:
    @pytest.mark.parametrize(
        "url",
        ["10.0.0.1:80", "ftp://x", "http://", "http://x/?q", "http://x/#f", "http://u:p@x", ""],
    )
    def test_a_backend_that_is_none(self, url: str) -> None:
        with pytest.raises(ValueError, match="'http://host:port' or 'https://host:port', not"):
            Backend(url)

    def test_a_port_that_is_none(self) -> None:
        with pytest.raises(ValueError, match="Port"):
            Backend("http://x:99999")

    def test_parts(self) -> None:
        backend = Backend("https://[::1]/base/")
        assert (backend.host, backend.port, backend.secure) == ("::1", 443, True)
        assert backend.path == "/base"
        assert Backend("http://x:81").port == 81
        assert Backend("http://x").name == Backend("http://x").name != Backend("http://y").name

    def test_weight_and_name(self) -> None:
        with pytest.raises(ValueError, match="weight of 'http://x' is at least 1, not 0"):
            Backend("http://x", weight=0)
        with pytest.raises(ValueError, match="name is letters, digits"):
            Backend("http://x", name="a;b")

    @pytest.mark.parametrize(
        ("backends", "words"),
        [
            ([], "a list of at least one"),
            ("http://x", "a list of at least one, not 'http://x'"),
            (["http://x", "http://x"], "Two backends have the url 'http://x'"),
            ([Backend("http://x", name="a"), Backend("http://y", name="a")], "have the name 'a'"),
        ],
    )
    def test_backends(self, backends: Any, words: str) -> None:
        with pytest.raises(ValueError, match=words):
            Balancer(backends)

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            ({"policy": "random"}, "'least_connections'.*, not 'random'"),
            ({"connect_timeout": 0}, "connect_timeout is above 0, not 0"),
            ({"read_timeout": -1}, "read_timeout is above 0, not -1"),
            ({"failures": 0}, "failures is above 0"),
            ({"recovery": 0}, "recovery is above 0"),
            ({"connections": 0}, "connections is above 0"),
            ({"threads": 0}, "threads is above 0"),
            ({"retries": -1}, "retries is at least 0, not -1"),
        ],
    )
    def test_options(self, options: dict[str, Any], words: str) -> None:
        with pytest.raises(ValueError, match=words):
            Balancer(["http://x"], **options)

    def test_health_check(self) -> None:
        with pytest.raises(ValueError, match="begins with '/', unlike 'health'"):
            HealthCheck("health")
        for name in ("interval", "timeout", "fall", "rise"):
            options: dict[str, Any] = {name: 0}
            with pytest.raises(ValueError, match=f"{name} of a health check is above 0, not 0"):
                HealthCheck("/", **options)

    def test_without_urllib3(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(__import__("sys").modules, "urllib3", None)
        with pytest.raises(ModuleNotFoundError, match=r"pip install 'erlen\[middleware\]'"):
            Balancer(["http://x"])
