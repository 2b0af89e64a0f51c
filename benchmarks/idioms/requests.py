"""What a view reads."""

from flask import request

from idioms import FORM, view

BROWSER = {
    "Connection": "keep-alive",
    "Cache-Control": "max-age=0",
    "Sec-Ch-Ua": '"Chromium";v="140", "Not=A?Brand";v="24", "Google Chrome";v="140"',
    "Sec-Ch-Ua-Mobile": "?0",
    "Sec-Ch-Ua-Platform": '"Linux"',
    "Upgrade-Insecure-Requests": "1",
    "User-Agent": (
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)"
        " Chrome/140.0.0.0 Safari/537.36"
    ),
    "Accept": (
        "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,"
        "image/apng,*/*;q=0.8,application/signed-exchange;v=b3;q=0.7"
    ),
    "Sec-Fetch-Site": "same-origin",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-User": "?1",
    "Sec-Fetch-Dest": "document",
    "Referer": "http://127.0.0.1:8000/",
    "Accept-Encoding": "gzip, deflate, br, zstd",
    "Accept-Language": "en-GB,en;q=0.9,de;q=0.8",
    "Cookie": (
        "_ga=GA1.1.1234567890.1700000000; _ga_ABCDEF1234=GS2.1.s1700000000$o3$g1$t1700000100;"
        " theme=dark; consent=necessary; csrftoken=q6vWkRz8Jm3T5yXb2NcH7dLsPf9GtA4e"
    ),
}
BOUNDARY = "----WebKitFormBoundary7MA4YWxkTrZu0gWT"
UPLOAD = "\r\n".join(
    [
        f"--{BOUNDARY}",
        'Content-Disposition: form-data; name="title"',
        "",
        "A file",
        f"--{BOUNDARY}",
        'Content-Disposition: form-data; name="file"; filename="notes.txt"',
        "Content-Type: text/plain",
        "",
        "0123456789abcde " * 128,
        f"--{BOUNDARY}--",
        "",
    ]
).encode()


@view("request.args", "/args?name=Ada&age=36")
def args():
    return f"{request.args['name']} is {request.args.get('age', type=int)}"


@view("request.headers", headers={"X-Token": "secret"})
def headers():
    return request.headers.get("X-Token", "")


@view("request.cookies", headers={"Cookie": "theme=dark"})
def cookie_read():
    return request.cookies.get("theme", "light")


@view("request.cookies, a browser's headers and cookies", headers=BROWSER)
def cookie_read_browser():
    return request.cookies.get("theme", "light")


@view("text, a browser's headers and cookies", headers=BROWSER)
def hello_browser():
    return "<p>Hello, World!</p>"


@view("a form of two fields", method="POST", headers=FORM, body=b"name=Ada&age=36", served=True)
def form():
    return f"{request.form['name']} is {request.form['age']}"


@view(
    "file upload, multipart of 2 kB",
    method="POST",
    headers={"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"},
    body=UPLOAD,
    served=True,
)
def upload():
    file = request.files["file"]
    return f"{request.form['title']}: {file.filename}, {len(file.read())} bytes"
