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
from keyword import iskeyword
from urllib.parse import quote

from werkzeug.exceptions import NotFound
from werkzeug.routing import (
    BaseConverter,
    FloatConverter,
    IntegerConverter,
    RuleFactory,
    UnicodeConverter,
    UUIDConverter,
    ValidationError,
)
from werkzeug.routing import Map as _Map
from werkzeug.routing import Rule as _Rule


class Rule(_Rule):
    """Werkzeug's rule, which writes the functions that build its URLs when they are first called.

    PERF: writing and compiling them was nine tenths of the cost of adding a route, and most are
    never called: plain URLs are built from pieces.
    """

    def _compile_builder(self, append_unknown: bool = True) -> t.Callable[..., tuple[str, str]]:
        compile_builder = super()._compile_builder
        names = [name for is_variable, name in self._trace if is_variable]
        # What Werkzeug may refuse, it refuses when the route is added.
        if self.defaults or len(set(names)) < len(names) or any(map(iskeyword, names)):
            return compile_builder(append_unknown)

        def build(self: Rule, /, **values: t.Any) -> tuple[str, str]:
            built = compile_builder(append_unknown)
            # Werkzeug's names for what compile() keeps of this.
            name = "_build_unknown" if append_unknown else "_build"
            setattr(self, name, built.__get__(self, None))
            return built(self, **values)

        return build


def _builds_plainly(kind: type[_Rule]) -> bool:
    """Tell whether a class of rules builds URLs by Werkzeug's methods."""
    return all(
        getattr(kind, name) is getattr(_Rule, name)
        for name in ("build", "suitable_for", "_encode_query_vars")
    )


Hit: t.TypeAlias = tuple[_Rule, dict[str, t.Any]]
Match: t.TypeAlias = Callable[[str], re.Match[str] | None]

# An expression with these looks beyond its own text, so it cannot stand inside a larger one.
_looks_around = re.compile(r"[$^]|\\[AZbB1-9]|\(\?(?!:)")
# What a URL's path does not hold as it is, and what not every part of a URL does (RFC 3986,
# section 2.3).
_unsafe = re.compile(r"[^A-Za-z0-9\-._~!$&'()*+,:;=@]").search
_reserved = re.compile(r"[^A-Za-z0-9\-._~]").search
# In place of a method: all of them together. No text, as a client may send any.
_ANY: t.Any = object()
#: What :meth:`Map.find` takes for the method of a WebSocket's handshake.
WEBSOCKET: t.Any = object()
_group = re.compile(r"\(\?P<__werkzeug_\d+>")
# Their expressions match no slash.
_within_a_segment = {UnicodeConverter, IntegerConverter, FloatConverter, UUIDConverter}


def route_methods(
    methods: t.Iterable[str] | None, view_func: t.Any, automatic: bool | None, default: bool
) -> tuple[set[str], bool]:
    """Tell which methods a route takes, and whether OPTIONS is answered without its view.

    :param methods: as given to the route; else the view's ``methods``, else GET.
    :param automatic: as given to the route; else the view's ``provide_automatic_options``.
    :param default: what holds where neither says, and OPTIONS is not among the methods.
    :raises TypeError: for methods that are a string.
    """
    if methods is None:
        of_view: t.Iterable[str] | None = getattr(view_func, "methods", None)
        methods = of_view or ("GET",)
    if isinstance(methods, str):
        raise TypeError(
            "Allowed methods must be a list of strings, for example:"
            ' @app.route(..., methods=["POST"])'
        )
    taken = {method.upper() for method in methods}
    required: set[str] = set(getattr(view_func, "required_methods", ()))
    if automatic is None:
        automatic = getattr(view_func, "provide_automatic_options", None)
    if automatic is None:
        automatic = "OPTIONS" not in taken and default
        if automatic:
            required.add("OPTIONS")
    return taken | required, automatic


class Map(_Map):
    """Werkzeug's ``Map`` with compiled tables for the plain hits (see :meth:`find`)."""

    def __init__(self, *args: t.Any, **kwargs: t.Any) -> None:
        #: Values of the Host header that Werkzeug has taken (see dispatch.py).
        self.good_hosts: set[str] = set()
        self._forget()
        super().__init__(*args, **kwargs)

    def _forget(self) -> None:
        self._tables: dict[str, _Table] = {}
        # First the methods of all rules, once compiled; _ANY is among them where a rule takes any.
        self._methods: list[frozenset[t.Any]] = []
        self._builders: dict[t.Any, Builder] = {}

    def add(self, rulefactory: RuleFactory) -> None:
        """Add a rule or a factory of rules, and forget what was compiled."""
        super().add(rulefactory)
        self._forget()

    def find(self, method: str, path: str) -> Hit | None:
        """Answer a plain hit.

        The caller has seen to it that hosts do not matter: no host or subdomain matching.

        :param method: the request's method, or :data:`WEBSOCKET`.
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

    def rule_of(self, method: str, path: str) -> _Rule | None:
        """Tell which rule a path leads to, before its converters are asked.

        :param path: PATH_INFO as WSGI has it.
        :return: the rule; None where none fits, or Werkzeug must be asked.
        """
        table = self._tables.get(method) or self._compile(method)
        if table is None:
            return None
        return table.static.get(path) or table.rule_of(path)

    def allowed_methods(self, path: str) -> set[str] | None:
        """Tell which methods a path allows, under the same conditions as :meth:`find`.

        :param path: PATH_INFO as WSGI has it.
        :return: the methods, none where no rule is near; None where Werkzeug must be asked.
        """
        table = self._tables.get(_ANY)
        if table is None:
            table = self._compile(_ANY)
        known = self._methods
        # None are known where another thread has just added a rule.
        if table is None or not known or _ANY in known[0]:
            return None
        leads = table.leads(path)
        if not leads:
            return None if leads is None else set()
        methods = set()
        for method in known[0]:
            table = self._tables.get(method) or self._compile(method)
            leads = table is not None and table.leads(path)
            if leads is None:
                return None
            if leads:
                methods.add(method)
        return methods

    def plain_builder(self, endpoint: t.Any) -> Builder | None:
        """Return what builds the path of an endpoint with one plain rule; None for others."""
        builders = self._builders  # the dict of before, as in _compile
        builder = builders.get(endpoint)
        if builder is not None or endpoint not in self._rules_by_endpoint:
            return builder
        rule, *others = self.iter_rules(endpoint)
        if others or rule.defaults or rule.websocket or self.host_matching:
            return None
        if rule.subdomain != self.default_subdomain or not _builds_plainly(type(rule)):
            return None
        builder = builders[endpoint] = Builder(rule)
        return builder

    def _compile(self, method: str) -> _Table | None:
        # Those of before: where a rule is added meanwhile, add() puts new ones in their place, and
        # what is compiled here is forgotten with the old ones.
        tables, known = self._tables, self._methods
        self.update()
        if not known:
            of_rules = [rule.methods for rule in self.iter_rules()]
            known.append(
                frozenset().union(*[(_ANY,) if each is None else each for each in of_rules])
            )
        # A client can invent any number of methods; only those of a rule get a table.
        if method not in known[0] and method is not _ANY and method is not WEBSOCKET:
            return None
        table = tables[method] = _Table(self, method)
        return table


class Builder:
    """Builds the path of one rule (see ``urls.py``).

    PERF: Werkzeug's builders call a converter for each value, and quote what needs no quoting.
    """

    def __init__(self, rule: _Rule) -> None:
        self.rule = rule
        #: Whether text and arguments tell all that Werkzeug would do.
        self.known = True
        #: The text before the arguments, then each of them with the text behind it: name, whether
        #: it is an integer, text.
        self.start = ""
        self.arguments: list[tuple[str, bool, str]] = []
        in_path = False
        for is_variable, text in rule._trace:
            if not in_path:
                in_path = text == "|"
            elif is_variable:
                converter = rule._converters[text]
                plain = type(converter) is UnicodeConverter
                self.known &= plain or _conversion(converter) is int
                self.arguments.append((text, not plain, ""))
            else:
                text = quote(text, safe="!$&'()*+,/:;=@")
                if self.arguments:
                    name, is_integer, before = self.arguments.pop()
                    self.arguments.append((name, is_integer, before + text))
                else:
                    self.start += text
        self.start = "/" + self.start.lstrip("/")

    def build(self, values: dict[str, t.Any]) -> str | None:
        """Build the path, with one slash before it; None where Werkzeug must be asked.

        :param values: the arguments; what is left over becomes the query string.
        """
        if not self.known:
            return self._ask(values)
        path = self.start
        for name, is_integer, text in self.arguments:
            value = values.get(name)
            if type(value) is int:
                path += f"{value}{text}"
            elif type(value) is str and not is_integer and value and not _unsafe(value):
                path += value + text
            else:
                return self._ask(values)
        if len(values) == len(self.arguments):
            return path
        query = self._query(values)
        return f"{path}?{query}" if query is not None else self._ask(values)

    def _query(self, values: dict[str, t.Any]) -> str | None:
        """Build the query string of what is left over; None where something is to be quoted."""
        if self.rule.map.sort_parameters:
            return None
        arguments = self.rule.arguments
        query = ""
        for name, value in values.items():
            if name not in arguments:
                if type(value) is not int and (type(value) is not str or _reserved(value)):
                    return None
                if not (name.isascii() and name.isidentifier()):
                    return None
                query += f"&{name}={value}" if query else f"{name}={value}"
        return query

    def _ask(self, values: dict[str, t.Any]) -> str | None:
        """Build the path by Werkzeug's rule; None where its adapter must be asked."""
        for name in self.rule.arguments:
            if name not in values:
                return None
        for value in values.values():
            if value is None or (isinstance(value, str) and "/" in value):
                return None
        built = self.rule.build(values)
        return "/" + built[1].lstrip("/") if built is not None else None


_ASK: tuple[_Node, re.Match[str]] = t.cast("t.Any", object())


class _Alternative:
    """One way in which a search ends: with a rule, or with "ask Werkzeug"."""

    def __init__(self, pattern: str, rule: _Rule | None = None) -> None:
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
        #: By the number of the group that stands behind each.
        self.by_last_group: dict[int | None, _Alternative] = {}
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
            self.by_last_group[expression.groupindex[f"__r{i}"]] = alternative
        # Arguments are read as consecutive groups, so no expression brings groups of its own
        # (_part_pattern leaves such parts to Werkzeug).
        self.match = expression.fullmatch
        return self.match

    def rule_of(self, match: re.Match[str]) -> _Rule | None:
        """Return the rule of a match; None for "ask Werkzeug"."""
        return self.by_last_group[match.lastindex].rule

    def fits(self, match: re.Match[str]) -> bool | None:
        """Tell whether a match is a rule's; None for "ask Werkzeug"."""
        alternative = self.by_last_group[match.lastindex]
        if alternative.rule is None:
            return None
        for group, (_, _, crosses) in enumerate(alternative.arguments, alternative.first_group):
            if crosses and "/" in match[group]:
                return None
        return True

    def answer(self, match: re.Match[str]) -> Hit | None:
        """Return the rule and its arguments; None for "ask Werkzeug"."""
        alternative = self.by_last_group[match.lastindex]
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
        self.static: dict[str, _Rule] = {}
        self._map = map
        self._websocket = method is WEBSOCKET
        # A handshake asks by GET.
        self._method = "GET" if self._websocket else method
        self._root = _Node(None)
        self._top = _Node(None)
        self._top.children[""] = self._root
        #: Static paths whose answer is a redirect, or may be.
        self._ask: set[str] = set()
        # A private attribute of Werkzeug's Map: the order of its search is the law here, and
        # this tree is that order. Made anew from the rules it would be told a second time.
        root = map._matcher._root
        self._has_domains = bool(root.dynamic)
        domain = root.static.get(map.default_subdomain)
        start = domain.static.get("") if domain is not None else None
        if start is not None:
            self._walk(start, "", self._root)

    def search(self, path: str) -> Hit | None:
        """Find a path with variables."""
        found = self._reach(path)
        return None if found is None or found is _ASK else found[0].answer(found[1])

    def rule_of(self, path: str) -> _Rule | None:
        """Return the rule that fits a path with variables, whatever its converters say."""
        found = self._reach(path)
        return None if found is None or found is _ASK else found[0].rule_of(found[1])

    def leads(self, path: str) -> bool | None:
        """Tell whether a rule fits a path, whatever its converters say; None for "ask Werkzeug"."""
        if path in self.static:
            return True
        found = self._reach(path)
        if found is None:
            return False
        return None if found is _ASK else found[0].fits(found[1])

    def _reach(self, path: str) -> tuple[_Node, re.Match[str]] | None:
        """Go down a path's static segments, then back up to what matches the whole path.

        :return: what does; None where nothing does; _ASK where Werkzeug must be asked.
        """
        if not path.isascii():
            path = path.encode("latin1").decode(errors="replace")
        segments = path.split("/")
        if path in self._ask or "//" in path or segments[0] or not path:
            return _ASK
        # What stands before the first slash leads to the root.
        inner = self._top
        for segment in segments:
            child = inner.children.get(segment)
            if child is None:
                break
            inner = child
        node: _Node | None = inner
        while node is not None:
            if node.alternatives:
                match = (node.match or node.compile())(path)
                if match is not None:
                    return node, match
            node = node.up
        return _ASK if self._has_domains else None

    def _fitting(self, rules: list[_Rule]) -> _Rule | None:
        for rule in rules:
            if self._method is _ANY or (
                rule.websocket == self._websocket
                and (rule.methods is None or self._method in rule.methods)
            ):
                return rule
        return None

    def _branch(self, state: t.Any) -> _Rule | None:
        """Return the rule for the same path with a slash behind it."""
        branch = state.static.get("")
        return self._fitting(branch.rules) if branch is not None else None

    def _is_plain(self, rule: _Rule) -> bool:
        """Tell whether the rule, once found, is the answer: no redirect can come after it."""
        if rule.redirect_to is not None or rule.alias or rule.defaults:
            return False
        if rule.websocket != self._websocket:
            return False
        return not self._map.redirect_defaults or not any(
            other.provides_defaults_for(rule) for other in self._map.iter_rules(rule.endpoint)
        )

    def _end(self, rule: _Rule, pattern: str) -> _Alternative:
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
        # A copy, as another thread may add a rule.
        for segment, child_state in list(state.static.items()):
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
        for segment, child in list(state.static.items()):
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
