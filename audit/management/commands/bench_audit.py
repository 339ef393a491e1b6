"""`manage.py bench_audit --json`: what recording an event costs a transaction, and how fast a log is verified offline.

Of five transactions: one that does nothing else but insert a row, the same with five milliseconds of waiting, that with
the event in the row's own statement, and two of the product's own (a note taken in, and eight at once).
docs/performance.md says what each figure tells.

Makes a test database beside the configured one and removes it; on PostgreSQL the server that DATABASE_URL names.
"""

import json
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import connection
from django.utils.module_loading import import_string

from audit.bench import verified
from audit.bench_cost import Writer, bare, beside, cost, make_table
from audit.bench_export import exported

OWN = "delivery.bench.audit_share.prepared"  # by name, as it stands above this app: makes ready, gives the writers


class Command(BaseCommand):
    help = "Measure the cost of recording and the speed of offline verification."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--events", type=int, default=1_000_000, help="events to verify; 0: none")
        parser.add_argument(
            "--recorded", type=int, default=0, help="events to record, seal, export and verify; 0: none"
        )
        parser.add_argument("--writers", type=int, default=8)
        parser.add_argument("--seconds", type=float, default=20.0, help="of each of a transaction's 3 figures; 0: none")
        parser.add_argument("--only", nargs="*", default=[], help="of these transactions; else of all five")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        told: dict[str, Any] = {"database": connection.vendor}
        if options["events"]:
            with tempfile.TemporaryDirectory(prefix="scribeport-bench-") as folder:
                told["verify"] = verified(options["events"], Path(folder))
        if options["recorded"]:
            with tempfile.TemporaryDirectory(prefix="scribeport-bench-") as folder:
                told["recorded"] = self.of_its_own(lambda: exported(options["recorded"], Path(folder)))
        if options["seconds"]:
            told["cost"] = self.cost(options["writers"], options["seconds"], options["only"])
        self.stdout.write(json.dumps(told, indent=None if options["json"] else 2))

    def cost(self, writers: int, seconds: float, only: list[str]) -> Any:
        def measure() -> list[dict[str, Any]]:
            make_table()
            of: dict[str, Writer] = {
                "bare": bare,
                "bare_5_ms": partial(bare, 0.005),
                "beside_5_ms": partial(beside, 0.005),
                **import_string(OWN)(),
            }
            return [cost(name, of[name], writers, seconds) for name in only or of]

        return self.of_its_own(measure)

    def of_its_own(self, measure: Callable[[], Any]) -> Any:
        """What is measured in a database that is made for it and removed."""
        name = connection.settings_dict["NAME"]
        connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
        try:
            return measure()
        finally:
            connection.creation.destroy_test_db(name, verbosity=0)
