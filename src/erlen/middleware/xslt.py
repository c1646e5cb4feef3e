"""XSLT for Transform, on lxml, with no way to files, network or entities."""

from __future__ import annotations

import codecs
import os
import re
import typing as t
from collections.abc import Callable, Mapping
from pathlib import Path

from werkzeug.http import parse_options_header

from .._extras import missing_extra
from ._exchange import Incoming
from .transform import Original, Transformation, Transformed, Untransformable

_XSL = "{http://www.w3.org/1999/XSL/Transform}"
# By a byte order mark, or by its declaration.
_TELLS_ENCODING = re.compile(rb"\xef\xbb\xbf|\xff\xfe|\xfe\xff|<\?xml[^>]*\sencoding\s*=")
_TYPES = {"html": "text/html", "text": "text/plain", "xml": "application/xml"}

Params: t.TypeAlias = Callable[[Incoming], Mapping[str, str]]


def xslt(
    stylesheet: str | os.PathLike[str] | bytes, *, params: Params | None = None
) -> Transformation:
    """Make a transformation of an XSLT 1.0 stylesheet, which is compiled once.

    Neither the stylesheet nor a document can read or write files or the network: ``document()``,
    ``xsl:include``, ``xsl:import``, ``exsl:document`` and external entities are refused, and
    documents that declare entities pass as they are. So do those that are not well-formed.

    The Content-Type follows from the stylesheet's ``xsl:output``.

    :param stylesheet: the path of a file, or the source as bytes.
    :param params: gives the stylesheet's parameters for a request, as plain strings.
    :raises OSError: the file cannot be read.
    :raises ValueError: it is no stylesheet, or asks for another file.
    :raises ModuleNotFoundError: lxml is not installed (extra ``middleware``).

    Source: https://lxml.de/xpathxslt.html#xslt
    """
    etree = _etree()
    source = stylesheet if isinstance(stylesheet, bytes) else Path(stylesheet).read_bytes()
    tree = _compilable(etree, source)
    deny = etree.XSLTAccessControl.DENY_ALL
    try:
        compiled = etree.XSLT(tree, access_control=deny)
    except etree.XSLTParseError as error:
        raise ValueError(f"The stylesheet cannot be compiled: {error}") from error
    said = {name: value for each in tree.iter(f"{_XSL}output") for name, value in each.items()}

    def transform(original: Original) -> Transformed:
        given = params(original.request) if params is not None else {}
        try:
            strings = {name: etree.XSLT.strparam(value) for name, value in given.items()}
        except ValueError as error:  # a control character, say, which XML cannot hold
            raise Untransformable(f"a parameter is none: {error}") from error
        try:
            result = compiled(_parse(etree, original.body, _encoding(original)), **strings)
        except (etree.XSLTApplyError, etree.XMLSyntaxError) as error:
            raise Untransformable(str(error)) from error
        return Transformed(bytes(result), _content_type(said, result.getroot()))

    return transform


def _etree() -> t.Any:
    try:
        from lxml import etree
    except ModuleNotFoundError as error:
        raise missing_extra("middleware", error) from error
    return etree


def _compilable(etree: t.Any, source: bytes) -> t.Any:
    class Refuse(etree.Resolver):  # type: ignore[misc]  # lxml comes at run time
        def resolve(self, url: str, id: str, context: object) -> t.NoReturn:
            raise ValueError(f"The stylesheet asks for {url!r}: other files are not read.")

    try:
        return _parse(etree, source, resolver=Refuse())
    except etree.XMLSyntaxError as error:
        raise ValueError(f"The stylesheet is not well-formed: {error}") from error
    except Untransformable as error:
        raise ValueError(f"The stylesheet cannot be used: {error}") from error


def _encoding(original: Original) -> str | None:
    """The encoding that the Content-Type tells, where the document itself tells none."""
    charset = parse_options_header(original.content_type)[1].get("charset")
    if charset is None or _TELLS_ENCODING.match(original.body) is not None:
        return None
    try:
        return codecs.lookup(charset).name
    except LookupError:
        return None


def _parse(
    etree: t.Any, source: bytes, encoding: str | None = None, resolver: t.Any = None
) -> t.Any:
    """Parse a document; a parser of its own keeps threads apart.

    :raises Untransformable: it declares entities.
    """
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, encoding=encoding
    )
    if resolver is not None:
        parser.resolvers.add(resolver)
    root = etree.fromstring(source, parser)
    declared = root.getroottree().docinfo.internalDTD
    if declared is not None and any(True for _ in declared.iterentities()):
        raise Untransformable("it declares entities")
    return root


def _content_type(output: Mapping[str, str], root: t.Any) -> str:
    """The Content-Type of a result (XSLT 1.0, section 16)."""
    is_html = root is not None and str(root.tag).lower() == "html"
    method = output.get("method") or ("html" if is_html else "xml")
    mimetype = output.get("media-type") or _TYPES.get(method, "application/xml")
    return f"{mimetype}; charset={output.get('encoding', 'utf-8').lower()}"
