"""Path templates of URL rules, and schemas of what their converters match."""

from __future__ import annotations

import re
import typing as t

from werkzeug.routing import (
    AnyConverter,
    FloatConverter,
    IntegerConverter,
    PathConverter,
    UnicodeConverter,
    UUIDConverter,
)

from .scalars import Schema

if t.TYPE_CHECKING:
    from werkzeug.routing import BaseConverter, Rule

_LENGTH = re.compile(r"\[\^/\]\{(\d+)(?:(,)(\d*))?\}")


def template_of(rule: Rule) -> tuple[str, list[str]]:
    """Return a rule's path template, such as ``/books/{book_id}``, and its variables in order.

    A variable of the subdomain or host is none of the path; one with a default is no variable.
    """
    parts: list[str] = []
    variables: list[str] = []
    in_path = False
    for is_variable, text in rule._trace:
        if not in_path:
            in_path = not is_variable and text == "|"  # the host ends here
        elif not is_variable:
            # Braces would be a variable of the template.
            parts.append(text.replace("{", "%7B").replace("}", "%7D"))
        elif text in (rule.defaults or ()):
            parts.append(rule._converters[text].to_url((rule.defaults or {})[text]))
        else:
            parts.append(f"{{{text}}}")
            variables.append(text)
    return "".join(parts), variables


def schema_of(converter: BaseConverter) -> Schema:
    """Return the schema of what a converter matches.

    A converter of the application's own is text, unless it has a JSON schema as its attribute
    ``schema``.
    """
    own = getattr(converter, "schema", None)
    if isinstance(own, dict):
        return dict(own)
    describe = _SCHEMAS.get(type(converter))
    return {"type": "string"} if describe is None else describe(converter)


def _text(converter: t.Any) -> Schema:
    schema: Schema = {"type": "string", "minLength": 1}
    found = _LENGTH.fullmatch(converter.regex)
    if found is None:
        return schema
    shortest, comma, longest = found.groups()
    schema["minLength"] = int(shortest)
    if not comma:
        schema["maxLength"] = int(shortest)
    elif longest:
        schema["maxLength"] = int(longest)
    return schema


def _number(converter: t.Any) -> Schema:
    if getattr(converter, "fixed_digits", 0):
        # Its zeros count, so it is no number.
        return {"type": "string", "pattern": f"^[0-9]{{{converter.fixed_digits}}}$"}
    is_integer = isinstance(converter, IntegerConverter)
    schema: Schema = {"type": "integer" if is_integer else "number"}
    least = converter.min if converter.min is not None or converter.signed else 0
    if least is not None:
        schema["minimum"] = least if converter.signed else max(least, 0)
    if converter.max is not None:
        schema["maximum"] = converter.max
    return schema


_SCHEMAS: dict[type[t.Any], t.Callable[[t.Any], Schema]] = {
    UnicodeConverter: _text,
    PathConverter: lambda _converter: {"type": "string", "minLength": 1},
    AnyConverter: lambda converter: {"type": "string", "enum": sorted(converter.items)},
    IntegerConverter: _number,
    FloatConverter: _number,
    UUIDConverter: lambda _converter: {"type": "string", "format": "uuid"},
}
