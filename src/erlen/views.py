"""Views as classes: one method for all (`View`), or one per HTTP method (`MethodView`)."""

from __future__ import annotations

import typing as t
from collections.abc import Callable, Collection

from . import typing as ft
from .globals import current_app, request

#: The names that :class:`MethodView` takes for HTTP methods.
http_method_funcs = frozenset({"get", "post", "head", "options", "delete", "put", "trace", "patch"})


class View:
    """A view that is a class: implement :meth:`dispatch_request`, register :meth:`as_view`.

    .. code-block:: python

        class Hello(View):
            init_every_request = False

            def dispatch_request(self, name):
                return f"Hello, {name}!"

        app.add_url_rule("/hello/<name>", view_func=Hello.as_view("hello"))

    Source: https://flask.palletsprojects.com/en/stable/views/
    """

    #: The HTTP methods that the view answers. Default: those of ``route``.
    methods: t.ClassVar[Collection[str] | None] = None

    #: Whether OPTIONS is answered automatically. Default: as ``route`` does.
    provide_automatic_options: t.ClassVar[bool | None] = None

    #: Put around the view function, the first one innermost; a decorator of the class itself
    #: would not reach it.
    decorators: t.ClassVar[list[Callable[..., t.Any]]] = []

    #: Make an object for each request. Default: true. One object for all is cheaper, and must
    #: not keep anything of a request on itself.
    init_every_request: t.ClassVar[bool] = True

    def dispatch_request(self) -> ft.ResponseReturnValue:
        """Answer the request; the variables of the URL come as keyword arguments."""
        raise NotImplementedError()

    @classmethod
    def as_view(cls, name: str, *class_args: t.Any, **class_kwargs: t.Any) -> ft.RouteCallable:
        """Make a view function of the class.

        :param name: the function's name, which becomes the endpoint.
        :param class_args: passed to the class, as are ``class_kwargs``.
        """
        # The closure has the names that it has in Flask, where Flask-Injector reads them.
        if cls.init_every_request:

            def view(**kwargs: t.Any) -> ft.ResponseReturnValue:
                # Looked up on the registered function, where it may be replaced.
                self = registered.view_class(*class_args, **class_kwargs)
                return current_app.ensure_sync(self.dispatch_request)(**kwargs)  # type: ignore[no-any-return]

        else:
            self = cls(*class_args, **class_kwargs)

            def view(**kwargs: t.Any) -> ft.ResponseReturnValue:
                return current_app.ensure_sync(self.dispatch_request)(**kwargs)  # type: ignore[no-any-return]

        view.__name__ = name  # for decorators that go by it
        view.__module__ = cls.__module__
        registered: t.Any = view
        for decorator in cls.decorators:
            registered = decorator(registered)
        registered.view_class = cls
        registered.__name__ = name
        registered.__doc__ = cls.__doc__
        registered.__module__ = cls.__module__
        registered.methods = cls.methods
        registered.provide_automatic_options = cls.provide_automatic_options
        return registered  # type: ignore[no-any-return]


class MethodView(View):
    """A view with one method for each HTTP method: ``get`` answers GET, and HEAD too.

    :attr:`methods` follows from the methods that are there.

    .. code-block:: python

        class CounterAPI(MethodView):
            def get(self):
                return str(session.get("counter", 0))

            def post(self):
                session["counter"] = session.get("counter", 0) + 1
                return redirect(url_for("counter"))

        app.add_url_rule("/counter", view_func=CounterAPI.as_view("counter"))

    Source: https://flask.palletsprojects.com/en/stable/views/
    """

    def __init_subclass__(cls, **kwargs: t.Any) -> None:
        super().__init_subclass__(**kwargs)
        if "methods" in cls.__dict__:
            return
        inherited = (getattr(base, "methods", None) or () for base in cls.__bases__)
        methods = {method for each in inherited for method in each}
        methods.update(name.upper() for name in http_method_funcs if hasattr(cls, name))
        if methods:
            cls.methods = methods

    def dispatch_request(self, **kwargs: t.Any) -> ft.ResponseReturnValue:
        """Answer the request with the method that bears its HTTP method's name."""
        method: str = request.method
        function = getattr(self, method.lower(), None)
        if function is None and method == "HEAD":
            function = getattr(self, "get", None)
        assert function is not None, f"Unimplemented method {method!r}"
        return current_app.ensure_sync(function)(**kwargs)  # type: ignore[no-any-return]
