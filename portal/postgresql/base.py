"""Django's PostgreSQL backend, but for the question whether a kept connection still lives.

Django asks the server (`SELECT 1`) before the first statement of every request and of every step of a worker: a round
trip, one of the eight that it takes to take a lone note in.
"""

import select

from django.db.backends.postgresql import base


class DatabaseWrapper(base.DatabaseWrapper):
    def is_usable(self) -> bool:
        """Whether nothing has come unasked: a server that ends a session says so, or the system closes the socket.

        Where something has come, the server is asked. One that vanished without a word is found out by the next
        statement, as it would be by the question.
        """
        if self.connection is None or self.connection.closed:
            return False
        waiting = select.poll()
        waiting.register(self.connection.fileno(), select.POLLIN)
        return super().is_usable() if waiting.poll(0) else True
