"""The product's web application, dying at a named step.

gunicorn "delivery.chaos.web:dying('after_commit')"
"""

import os
import sys

from django.core.handlers.wsgi import WSGIHandler
from gunicorn.app.wsgiapp import run

from delivery.chaos.steps import Strike, install
from portal.supervisor import web
from portal.wsgi import application


def dying(step: str, after: int = 1) -> WSGIHandler:
    """gunicorn calls this in its worker. RuntimeError unless gunicorn leads the process group that is to die."""
    if os.getpgrp() != os.getppid():
        raise RuntimeError("Start gunicorn in a process group of its own: the strike kills the whole group.")
    install(step, Strike(after=after))
    return application


def serve(port: int, step: str, after: int) -> None:
    """Be the product's web process; with a step, one that dies there."""
    given = list(web("127.0.0.1", port).arguments)
    command = given[given.index("gunicorn") :]
    command[command.index("portal.wsgi")] = f"delivery.chaos.web:dying('{step}', {after})" if step else "portal.wsgi"
    sys.argv = [*command, "--no-control-socket"]
    run()
