"""Option types that click does not have: certificates and lists of paths."""

from __future__ import annotations

import os
import typing as t

import click
from werkzeug.utils import import_string

if t.TYPE_CHECKING:
    _AnyParamType = click.ParamType[t.Any]
else:
    _AnyParamType = click.ParamType


class CertParamType(_AnyParamType):
    """Accept a certificate file, ``adhoc``, or the import path of an `SSLContext`."""

    name = "path"

    def __init__(self) -> None:
        self.path_type = click.Path(exists=True, dir_okay=False, resolve_path=True)

    def convert(
        self, value: t.Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> t.Any:
        """Return the file's path, ``"adhoc"`` or the context.

        Raises `click.BadParameter` if it is none of the three, or if this
        Python was built without TLS.
        """
        context_class = _ssl_context_class()
        if context_class is None:
            raise click.BadParameter(
                "HTTPS needs a Python that was built with OpenSSL.", ctx=ctx, param=param
            )
        try:
            return self.path_type(value, param, ctx)
        except click.BadParameter:
            text = str(value).lower()
            if text == "adhoc":
                _require_cryptography(ctx, param)
                return text
            found = import_string(value, silent=True)
            if isinstance(found, context_class):
                return found
            raise


class SeparatedPathType(click.Path):
    """Accept paths separated as in `PATH`: with ``:``, or ``;`` on Windows."""

    def convert(
        self, value: t.Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> t.Any:
        """Return the list of paths, each checked like a `click.Path`."""
        if isinstance(value, (list, tuple)):
            return list(value)
        return [
            super(SeparatedPathType, self).convert(item, param, ctx)
            for item in self.split_envvar_value(value)
        ]


def validate_key(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """Combine ``--cert`` and ``--key``; refuse combinations that make no sense.

    Stores the pair in ``ctx.params["cert"]``.
    """
    cert = ctx.params.get("cert")
    context_class = _ssl_context_class()
    if cert == "adhoc" or (context_class is not None and isinstance(cert, context_class)):
        if value is not None:
            what = "'adhoc'" if cert == "adhoc" else "an SSLContext"
            raise click.BadParameter(
                f"When '--cert' is {what}, '--key' is not used.", ctx=ctx, param=param
            )
    elif isinstance(cert, str):
        if value is None:
            raise click.BadParameter("Required when using '--cert'.", ctx=ctx, param=param)
        ctx.params["cert"] = (cert, value)
    elif value is not None:
        raise click.BadParameter("'--cert' must also be specified.", ctx=ctx, param=param)
    return value


def path_separator_text() -> str:
    """Return the separator of `SeparatedPathType`, quoted for a help text."""
    return repr(os.path.pathsep)


def _ssl_context_class() -> type[t.Any] | None:
    try:
        import ssl
    except ImportError:
        return None
    return ssl.SSLContext


def _require_cryptography(ctx: click.Context | None, param: click.Parameter | None) -> None:
    try:
        import cryptography  # type: ignore[import-not-found,unused-ignore]  # noqa: F401
    except ImportError:
        raise click.BadParameter(
            "'adhoc' creates a certificate, which needs the cryptography package. Install it:"
            " pip install cryptography",
            ctx=ctx,
            param=param,
        ) from None
