"""Files made to do harm end in a child process: within two seconds and 256 MB, with a reason."""

import io
import json
import subprocess
import sys
import time
import zipfile

import pytest

from mapping.importers import child, limited, read_file
from mapping.importers.base import ImportRefused
from mapping.importers.reading import templates_of
from tests.mapping.importers.workbooks import HEADER, ROWS, changed, in_sheet, workbook

CSV = b"Order,Field ID,Label\n1,K1,CC\n2,,HPI\n"


def bomb(size: int) -> bytes:
    """A workbook whose sheet unfolds to `size` bytes."""
    return in_sheet(workbook(), b"<sheetData>", b"<sheetData>" + b" " * size)


def many_parts() -> bytes:
    return changed(workbook(), lambda name, body: body, **{f"xl/media/{n}.png": b"" for n in range(600)})


def lying() -> bytes:
    """A workbook whose directory says that its sheet is small, though it unfolds without end."""
    content = bytearray(bomb(60_000_000))
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        size = archive.getinfo("xl/worksheets/sheet1.xml").file_size
    return bytes(content).replace(size.to_bytes(4, "little"), (1000).to_bytes(4, "little"))


def shared_strings() -> bytes:
    """Strings that unfold just under the limit, each an object of its own."""
    body = b'<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">' + b"<si><t>x</t></si>" * 1_100_000
    return changed(workbook(), lambda name, part: body + b"</sst>" if name == "xl/sharedStrings.xml" else part)


def far_rows() -> bytes:
    """Rows at the end of the largest sheet there is, the rows between being left out."""
    row = b'<row r="1048576"><c r="XFD1048576" t="inlineStr"><is><t>x</t></is></c></row></sheetData>'
    return in_sheet(workbook(), b"</sheetData>", row)


def wide_rows() -> bytes:
    rows = b"".join(b'<row r="%d"><c r="XFD%d"><v>1</v></c></row>' % (n, n) for n in range(4, 2000))
    return in_sheet(workbook(), b"</sheetData>", rows + b"</sheetData>")


def laughs() -> bytes:
    entities = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    body = f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY l0 "ha">{entities}]><x>&l9;</x>'.encode()
    return changed(workbook(), lambda name, part: body if name == "xl/workbook.xml" else part)


HARMFUL = {
    "unfolds to 300 MB": ("t.xlsx", lambda: bomb(300_000_000)),
    "lies about its size": ("t.xlsx", lying),
    "many parts": ("t.xlsx", many_parts),
    "the last row there is": ("t.xlsx", far_rows),
    "rows to the last column": ("t.xlsx", wide_rows),
    "billion laughs": ("t.xlsx", laughs),
    "macros": ("t.xlsx", lambda: changed(workbook(), lambda n, b: b, **{"xl/vbaProject.bin": b"x"})),
    "a formula": ("t.xlsx", lambda: workbook(("S", [HEADER, [1, "=1+1", "x", "", ""]]))),
    "deep JSON": ("t.json", lambda: b"[" * 2_000_000),
    "wide JSON": ("t.json", lambda: b"[" + b"{}," * 1_600_000 + b"{}]"),
    "a CSV of one line": ("t.csv", lambda: b"," * 5_000_000),
    "an open quotation": ("t.csv", lambda: b'Field ID,Label\n"' + b"x" * 5_000_000),
    "segments without end": ("t.hl7", lambda: b"MSH|^~\\&|\r" + b"OBX|\r" * 900_000),
}


# Runs what it is given, and says what that took. It is small itself, as a child's peak counts from before its program.
MEASURED = """
import json, resource, subprocess, sys
done = subprocess.run(sys.argv[1:], stdin=0, stderr=subprocess.DEVNULL)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
said = {"code": done.returncode, "seconds": used.ru_utime + used.ru_stime, "peak": used.ru_maxrss * 1024}
sys.stderr.write(json.dumps(said))
"""


@pytest.fixture
def used(monkeypatch):
    """What the child that reads a file took: seconds of computing, and the peak of its memory in bytes."""
    took, run = {}, subprocess.run

    def measured(command, **options):
        done = run([sys.executable, "-c", MEASURED, *command], **{**options, "stderr": subprocess.PIPE})
        took.update(json.loads(done.stderr))
        return subprocess.CompletedProcess(command, took["code"], done.stdout)

    monkeypatch.setattr(subprocess, "run", measured)
    return took


@pytest.mark.parametrize("kind", HARMFUL)
def test_S12_a_file_made_to_do_harm_is_refused_in_two_seconds_and_256_mb(kind, used):
    name, made = HARMFUL[kind]
    content = made()
    with pytest.raises(ImportRefused) as refused:
        templates_of(limited.read(name, content))
    figures = f"{kind}: {used['seconds']:.2f} s of computing, peak {used['peak'] / 2**20:.0f} MB, {len(content)} bytes"
    print(figures, "|", refused.value)  # noqa: T201
    assert used["seconds"] < 2.3, figures  # 1.4 after the start; a busy machine starts slowly
    assert 5 * 2**20 < used["peak"] <= child.MEMORY == 256 * 2**20, figures
    assert str(refused.value).endswith((".", "?"))


def test_the_peak_of_the_child_is_seen(used):
    """That the figures above can be wrong: a child that holds 100 MB is seen to hold them."""
    limited.subprocess.run([sys.executable, "-c", "x = bytearray(100 * 2**20); x[:] = bytes(len(x))"], stdout=-1)
    assert used["peak"] > 100 * 2**20


def test_a_million_strings_just_under_the_limit_are_harmless():
    (template,) = templates_of(limited.read("t.xlsx", shared_strings()))
    assert len(template.fields) == 2


def test_S12_a_child_that_takes_memory_is_ended():
    """The limit itself, with a program that takes what it can: no file of ours gets so far."""
    program = (
        "from mapping.importers import child\nchild.limit()\n"
        "try:\n    held = bytearray(300 * 2**20)\nexcept MemoryError:\n    print('no memory')\n"
    )
    told = subprocess.run([sys.executable, "-c", program], cwd=limited.ROOT, capture_output=True, text=True, timeout=30)
    assert told.stdout.strip() == "no memory"


def test_S12_a_child_that_computes_on_is_ended():
    program = "from mapping.importers import child\nchild.limit()\nwhile True: pass\n"
    started = time.monotonic()
    told = subprocess.run([sys.executable, "-c", program], cwd=limited.ROOT, capture_output=True, timeout=30)
    assert told.returncode < 0
    assert time.monotonic() - started < 20


def test_S12_a_child_can_write_no_file(tmp_path):
    program = f"from mapping.importers import child\nchild.limit()\nopen({str(tmp_path / 'x')!r}, 'w').write('x')\n"
    told = subprocess.run([sys.executable, "-c", program], cwd=limited.ROOT, capture_output=True, timeout=30)
    assert told.stdout == b""
    assert (tmp_path / "x").read_bytes() == b""


def test_an_ended_child_is_a_refusal_that_says_so(monkeypatch):
    monkeypatch.setattr(child, "SECONDS", 0.01)
    ended = subprocess.CompletedProcess([], -27, b"")
    monkeypatch.setattr(subprocess, "run", lambda *arguments, **options: ended)
    with pytest.raises(ImportRefused, match="longer than two seconds"):
        limited.read("t.csv", CSV)


def test_a_child_that_never_answers_is_a_refusal(monkeypatch):
    def slow(*arguments, **options):
        raise subprocess.TimeoutExpired("python", options["timeout"])

    monkeypatch.setattr(subprocess, "run", slow)
    with pytest.raises(ImportRefused, match="too busy"):
        limited.read("t.csv", CSV)


@pytest.mark.parametrize(
    "name, content",
    [
        ("t.csv", CSV),
        ("t.xlsx", workbook(("A", [HEADER, *ROWS]), ("B", [HEADER, *ROWS]))),
        ("t.json", b'[{"id":"1","label":"CC"}]'),
    ],
)
def test_a_harmless_file_reads_the_same_as_in_this_process(name, content):
    assert templates_of(limited.read(name, content)) == read_file(name, content)


def test_a_refusal_of_the_child_is_said_as_it_was():
    with pytest.raises(ImportRefused, match="The file is empty"):
        limited.read("t.csv", b"  \n")


def test_what_a_person_said_of_a_key_reaches_the_child():
    content = json.dumps([{"kennung": "K1", "text": "CC"}]).encode()
    (template,) = templates_of(limited.read("t.json", content, {"kennung": "id", "text": "label"}))
    assert (template.fields[0].field_id, template.fields[0].label) == ("K1", "CC")


def test_the_child_sees_no_secret_of_the_server(monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgres://secret")
    assert "DATABASE_URL" not in limited.ENVIRONMENT
    program = "import os, json; print(json.dumps(dict(os.environ)))"
    told = subprocess.run([sys.executable, "-c", program], env=limited.ENVIRONMENT, capture_output=True, text=True)
    assert "secret" not in told.stdout
