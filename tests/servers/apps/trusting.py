"""An application that shows whom it takes for its client; ``FLASK_TRUSTED_PROXIES`` applies."""

from __future__ import annotations

from granian.utils.proxies import wrap_asgi_with_proxy_headers, wrap_wsgi_with_proxy_headers

from costrel import Flask, request, websocket

app = Flask(__name__)
app.config.from_prefixed_env()
asgi = app.asgi
asgi_in_granians = wrap_asgi_with_proxy_headers(app.asgi, trusted_hosts="*")
wsgi_in_granians = wrap_wsgi_with_proxy_headers(app, trusted_hosts="*")


def place(request):
    """Return the client's address, and the URL as the application sees it."""
    return {"client": request.remote_addr, "scheme": request.scheme, "host": request.host,
            "prefix": request.root_path}  # fmt: skip


@app.get("/")
def index():
    """Answer in a thread."""
    return place(request)


@app.get("/loop")
async def loop():
    """Answer on the loop."""
    return place(request)


@app.websocket("/socket")
async def socket():
    """Answer over a WebSocket."""
    await websocket.send_json(place(websocket))
