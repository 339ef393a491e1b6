"""What the tests of the web worker serve: a tiny application, and a worker whose patience is short."""

import time

from portal import web_worker

web_worker.HEAD_SECONDS = web_worker.BODY_SECONDS = 3.0
web_worker.MOST_ARRIVING = 60


def application(environ, start_response):
    """Says what it was sent; /slow takes its time."""
    if environ["PATH_INFO"] == "/slow":
        time.sleep(3)
    length = environ.get("CONTENT_LENGTH") or "0"
    refused = int(length) > web_worker.LARGEST_BODY
    body = b"" if refused else environ["wsgi.input"].read()
    said = f"{environ['PATH_INFO']} {len(body)} {sum(body) % 251}".encode()
    start_response("413 Too Large" if refused else "200 OK", [("Content-Length", str(len(said)))])
    return [said]
