"""Templates."""

from flask import render_template, render_template_string, stream_template

from idioms import view

ROWS = [{"id": number, "name": f"Part {number} <steel>"} for number in range(1, 11)]


@view("a template with a base and 10 rows", served=True)
def template():
    return render_template("list.html", title="Parts", rows=ROWS)


@view("a streamed template of 10 rows")
def template_streamed():
    return stream_template("list.html", title="Parts", rows=ROWS)


@view("a template from a string")
def template_string():
    return render_template_string("<h1>Hello, {{ name }}!</h1>", name="Ada")
