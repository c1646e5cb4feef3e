"""The compiled matcher in front of Werkzeug's ``Map``.

:class:`Map` is a Werkzeug ``Map`` that can also :meth:`~Map.find` the plain hits: a static path is
one look-up in a dict, a path with variables a walk over its static segments and one regular
expression. It answers only where Werkzeug's answer is a rule and its arguments, and then the
same. All else (redirects, 404, 405, websockets, hosts, whatever a converter refuses) it leaves
to Werkzeug by answering None.

How it knows: after ``Map.update()`` Werkzeug's matcher is a tree of states, one level for each
segment, and its search is depth first: the static transition, then the dynamic ones by weight.
The first rule in that order that fits is the answer. So the tree is walked once for each HTTP
method in the same order, the static chains become keys of a dict, and each run of dynamic
alternatives becomes one expression whose alternatives stand in the order of the search.
"""

from __future__ import annotations

import re
import typing as t
from collections.abc import Callable, Iterator

from werkzeug.exceptions import NotFound
from werkzeug.routing import BaseConverter, IntegerConverter, RuleFactory, ValidationError
from werkzeug.routing import FloatConverter, UnicodeConverter, UUIDConverter
from werkzeug.routing import Map as _Map
from werkzeug.routing import Rule as Rule

Hit: t.TypeAlias = "tuple[Rule, dict[str, t.Any]]"
Match: t.TypeAlias = "Callable[[str], re.Match[str] | None]"

# An expression with these looks beyond its own text, so it cannot stand inside a larger one.
_looks_around = re.compile(r"[$^]|\\[AZbB1-9]|\(\?(?!:)")
_group = re.compile(r"\(\?P<__werkzeug_\d+>")
# Their expressions match no slash.
_within_a_segment = {UnicodeConverter, IntegerConverter, FloatConverter, UUIDConverter}


class Map(_Map):
    """Werkzeug's ``Map`` with compiled tables for the plain hits (see :meth:`find`)."""

    def __init__(self, *args: t.Any, **kwargs: t.Any) -> None:
        #: Values of the Host header that Werkzeug has taken (see dispatch.py).
        self.good_hosts: set[str] = set()
        self._forget()
        super().__init__(*args, **kwargs)

    def _forget(self) -> None:
        self._tables: dict[str, _Table] = {}
        self._methods: set[str] | None = None
        self._single: dict[t.Any, Rule] = {}

    def add(self, rulefactory: RuleFactory) -> None:
        """Add a rule or a factory of rules, and forget what was compiled."""
        super().add(rulefactory)
        self._forget()

    def find(self, method: str, path: str) -> Hit | None:
        """Answer a plain hit.

        The caller has seen to it that hosts do not matter: no host or subdomain matching, and no
        websocket handshake.

        :param method: the request's method.
        :param path: PATH_INFO as WSGI has it, which is UTF-8 read as Latin-1 (PEP 3333).
        :return: the rule and the view's arguments, in a dict of the caller's own; None where
            Werkzeug must be asked.
        :raises NotFound: for an integer of more digits than Python converts.
        """
        table = self._tables.get(method)
        if table is None:
            table = self._compile(method)
            if table is None:
                return None
        rule = table.static.get(path)
        if rule is not None:
            return rule, {}
        return table.search(path)

    def single_rule(self, endpoint: t.Any) -> Rule | None:
        """Return the rule that alone builds an endpoint's URLs; None where there is a choice."""
        rule = self._single.get(endpoint)
        if rule is not None or endpoint not in self._rules_by_endpoint:
            return rule
        first, *others = self.iter_rules(endpoint)
        if others or first.defaults or first.websocket or self.host_matching:
            return None
        if first.subdomain != self.default_subdomain:
            return None
        self._single[endpoint] = first
        return first

    def _compile(self, method: str) -> _Table | None:
        if self._methods is None:
            self._methods = {m for rule in self.iter_rules() for m in rule.methods or ()}
        # A client can invent any number of methods; only those of a rule get a table.
        if method not in self._methods:
            return None
        self.update()
        table = self._tables[method] = _Table(self, method)
        return table


class _Alternative:
    """One way in which a search ends: with a rule, or with "ask Werkzeug"."""

    def __init__(self, pattern: str, rule: Rule | None = None) -> None:
        self.pattern = pattern
        self.rule = rule
        #: For each argument: its name, what converts its text (None: the text is the value),
        #: and whether the text must be looked through for a slash.
        self.arguments: list[tuple[str, Callable[[str], t.Any] | None, bool]] = []
        #: The number of the first argument's group in the node's expression.
        self.first_group = 0
        if rule is not None:
            for name, converter in rule._converters.items():
                crosses = converter.part_isolating and type(converter) not in _within_a_segment
                self.arguments.append((name, _conversion(converter), crosses))


class _Node:
    """A place that a chain of static segments leads to."""

    def __init__(self, up: _Node | None) -> None:
        self.up = up
        self.children: dict[str, _Node] = {}
        self.alternatives: list[_Alternative] = []
        self.match: Match | None = None

    def compile(self) -> Match:
        """Make one expression of the alternatives; the last group that matched names the one."""
        sources = []
        for i, alternative in enumerate(self.alternatives):
            source = alternative.pattern.replace("(?P<__arg_", f"(?P<__a{i}_")
            sources.append(f"{source}(?P<__r{i}>)")
        expression = re.compile("|".join(f"(?:{source})" for source in sources))
        for i, alternative in enumerate(self.alternatives):
            alternative.first_group = expression.groupindex.get(f"__a{i}_0", 0)
        # Arguments are read as consecutive groups, so no expression brings groups of its own
        # (_part_pattern leaves such parts to Werkzeug).
        self.match = expression.fullmatch
        return self.match

    def answer(self, match: re.Match[str]) -> Hit | None:
        alternative = self.alternatives[int(match.lastgroup[3:])]  # type: ignore[index]  # a group matched
        if alternative.rule is None:
            return None
        values: dict[str, t.Any] = {}
        group = alternative.first_group
        for name, convert, crosses in alternative.arguments:
            value: t.Any = match[group]
            group += 1
            if crosses and "/" in value:
                return None
            if convert is not None:
                try:
                    value = convert(value)
                except ValidationError:
                    return None
                except ValueError:
                    if convert is int:
                        raise NotFound() from None
                    raise
            values[name] = value
        return alternative.rule, values


class _Table:
    """What one HTTP method reaches."""

    def __init__(self, map: Map, method: str) -> None:
        self.static: dict[str, Rule] = {}
        self._map = map
        self._method = method
        self._root = _Node(None)
        #: Static paths whose answer is a redirect, or may be.
        self._ask: set[str] = set()
        # A private attribute of Werkzeug's Map: the order of its search is the law here, and
        # this tree is that order. Made anew from the rules it would be told a second time.
        domain = map._matcher._root.static.get(map.default_subdomain)
        start = domain.static.get("") if domain is not None else None
        if start is not None:
            self._walk(start, "", self._root)

    def search(self, path: str) -> Hit | None:
        """Find a path with variables: down its static segments, then back up."""
        if not path.isascii():
            path = path.encode("latin1").decode(errors="replace")
        if path in self._ask or "//" in path or path[:1] != "/":
            return None
        inner = self._root
        for segment in path.split("/")[1:]:
            child = inner.children.get(segment)
            if child is None:
                break
            inner = child
        node: _Node | None = inner
        while node is not None:
            if node.alternatives:
                match = (node.match or node.compile())(path)
                if match is not None:
                    return node.answer(match)
            node = node.up
        return None

    def _fitting(self, rules: list[Rule]) -> Rule | None:
        for rule in rules:
            if not rule.websocket and (rule.methods is None or self._method in rule.methods):
                return rule
        return None

    def _branch(self, state: t.Any) -> Rule | None:
        """Return the rule for the same path with a slash behind it."""
        branch = state.static.get("")
        return self._fitting(branch.rules) if branch is not None else None

    def _is_plain(self, rule: Rule) -> bool:
        """Tell whether the rule, once found, is the answer: no redirect can come after it."""
        if rule.redirect_to is not None or rule.alias or rule.defaults:
            return False
        return not self._map.redirect_defaults or not any(
            other.provides_defaults_for(rule) for other in self._map.iter_rules(rule.endpoint)
        )

    def _end(self, rule: Rule, pattern: str) -> _Alternative:
        return _Alternative(pattern, rule if self._is_plain(rule) else None)

    def _walk(self, state: t.Any, path: str, node: _Node) -> None:
        """Enter what a chain of static segments leads to."""
        # Where slashes are merged, Werkzeug never finds a path that has two in a row.
        if path and "//" not in path:
            rule = self._fitting(state.rules)
            if rule is None:
                if self._branch(state) is not None:
                    self._ask.add(path)
            elif self._is_plain(rule):
                self.static[path.encode().decode("latin1")] = rule
            else:
                self._ask.add(path)
        for segment, child_state in state.static.items():
            child = node.children[segment] = _Node(node)
            self._walk(child_state, f"{path}/{segment}", child)
        node.alternatives += self._dynamic(state, re.escape(path), 0)
        node.alternatives += self._with_slash(state, re.escape(path))

    def _dynamic(self, state: t.Any, prefix: str, groups: int) -> Iterator[_Alternative]:
        """List what follows a state by way of a segment with variables."""
        for part, child in state.dynamic:
            pattern, count = _part_pattern(part, groups)
            if pattern is None:
                yield _Alternative(rf"{prefix}/[\s\S]*")
            elif part.final:
                # It took all that was left: neither a segment nor a slash comes behind it.
                rule = self._fitting(child.rules)
                if rule is not None:
                    yield self._end(rule, f"{prefix}/{pattern}")
            else:
                yield from self._below(child, f"{prefix}/{pattern}", groups + count)

    def _below(self, state: t.Any, prefix: str, groups: int) -> Iterator[_Alternative]:
        """List what a state leads to, once a segment with variables stands before it."""
        rule = self._fitting(state.rules)
        if rule is not None:
            yield self._end(rule, prefix)
        elif self._branch(state) is not None:
            yield _Alternative(prefix)
        for segment, child in state.static.items():
            yield from self._below(child, f"{prefix}/{re.escape(segment)}", groups)
        yield from self._dynamic(state, prefix, groups)
        yield from self._with_slash(state, prefix)

    def _with_slash(self, state: t.Any, prefix: str) -> Iterator[_Alternative]:
        """List the rule that is not strict about a slash behind its path."""
        rule = self._fitting([rule for rule in state.rules if not rule.strict_slashes])
        if rule is not None:
            yield self._end(rule, f"{prefix}/")


def _part_pattern(part: t.Any, groups: int) -> tuple[str | None, int]:
    """Take a segment's expression over, its groups numbered on from ``groups``.

    :return: the expression and how many arguments it has; None for it where it cannot stand
        inside a larger one.
    """
    content = part.content.removesuffix("\\Z")
    own = _group.sub("(", content)
    if part.suffixed or _looks_around.search(own.replace("[^", "[")):
        return None, 0
    count = len(_group.findall(content))
    if re.compile(own).groups != count:
        return None, 0
    numbers = iter(range(groups, groups + count))
    return _group.sub(lambda _: f"(?P<__arg_{next(numbers)}>", content), count


def _conversion(converter: BaseConverter) -> Callable[[str], t.Any] | None:
    """Return what turns an argument's text into its value; None where it is the value."""
    if type(converter).to_python is BaseConverter.to_python:
        return None
    if type(converter) is IntegerConverter and not (
        converter.fixed_digits or converter.min is not None or converter.max is not None
    ):
        return int
    return converter.to_python
