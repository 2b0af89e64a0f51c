"""A file of 2 kB and a field by multipart, as a browser sends them."""

from exchange import Answer, Request

TITLE = "upload (2 kB by multipart)"
BOUNDARY = "----WebKitFormBoundary7MA4YWxkTrZu0gW"
CONTENT = bytes(range(256)) * 8
REQUEST = Request(
    "POST",
    "/upload",
    {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"},
    b"".join(
        (
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="title"\r\n\r\n'.encode(),
            f'Picture\r\n--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; '.encode(),
            b'filename="picture.png"\r\nContent-Type: image/png\r\n\r\n',
            CONTENT,
            f"\r\n--{BOUNDARY}--\r\n".encode(),
        )
    ),
)


def check(answer: Answer) -> None:
    """Expect the field, the name of the file and its length."""
    answer.require(answer.body == b"Picture: picture.png, 2048", f"{answer.body!r}")
