"""The schemas of the typed workloads, for what validates with marshmallow."""

from marshmallow import Schema, fields
from marshmallow.validate import Length, Range


class AddressSchema(Schema):
    """Where an order goes."""

    street = fields.String(required=True, validate=Length(1, 100))
    city = fields.String(required=True, validate=Length(1, 100))
    postcode = fields.String(required=True, validate=Length(3, 10))


class LineSchema(Schema):
    """How much of what."""

    sku = fields.String(required=True, validate=Length(1, 40))
    quantity = fields.Integer(required=True, strict=True, validate=Range(1, 1000))
    price = fields.Float(required=True, validate=Range(0))


class OrderSchema(Schema):
    """An order, with ten fields in all."""

    customer = fields.String(required=True, validate=Length(1, 100))
    paid = fields.Boolean(required=True)
    address = fields.Nested(AddressSchema, required=True)
    lines = fields.List(fields.Nested(LineSchema), required=True, validate=Length(1, 100))


class ItemSchema(Schema):
    """One item of the shop."""

    id = fields.Integer()
    name = fields.String()
    price = fields.Float()
    weight_g = fields.Integer()
    tags = fields.List(fields.String())


class ItemQuerySchema(Schema):
    """The query of a list of items."""

    category = fields.String(required=True, validate=Length(1, 40))
    in_stock = fields.Boolean(load_default=True)
    limit = fields.Integer(load_default=10, validate=Range(1, 100))
    offset = fields.Integer(load_default=0, validate=Range(0))
