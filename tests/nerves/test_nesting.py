import json
import subprocess
import sys
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nerves.nesting import MAX_DEPTH, read_json
from tests.paths import ROOT
from tests.waiting import scaled

tables = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.text(alphabet='[]{}"\\'),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


@given(tables)
def test_json_is_read_as_python_reads_it(table: Any) -> None:  # noqa: ANN401 - whatever JSON holds
    assert read_json(json.dumps(table)) == table
    for coding in ("utf-8", "utf-8-sig", "utf-16"):
        assert read_json(json.dumps(table, ensure_ascii=False).encode(coding, "surrogatepass")) == table


@pytest.mark.parametrize(("before", "after"), [("[", "]"), ('{"a":', "}"), ('["]]}\\"", ', "]")])
def test_json_is_nested_a_hundred_deep_at_most(before: str, after: str) -> None:
    assert read_json(before * MAX_DEPTH + "1" + after * MAX_DEPTH)
    for more in (1, 5000):
        depth = MAX_DEPTH + more
        with pytest.raises(ValueError, match="nested more than 100 deep"):
            read_json(before * depth + "1" + after * depth)


def test_many_brackets_side_by_side_or_in_a_text_are_not_deep() -> None:
    assert read_json(json.dumps([[]] * 1000)) == [[]] * 1000
    assert read_json(json.dumps({"words": '[{"' * 1000})) == {"words": '[{"' * 1000}


@pytest.mark.parametrize("text", ['["' + '\\"[' * 200_000, '"[' * 200_000, "[" * 400_000, '{"a\\' * 100_000])
def test_invalid_json_is_refused_quickly(text: str) -> None:
    began = time.process_time()
    with pytest.raises(ValueError, match=r"nested|Unterminated|Expecting|Extra|Invalid"):
        read_json(text)
    assert time.process_time() - began < 2


# Another thread lowers the limit, as hypothesis does after each example, while the reader is deep in its stack.
READER = """
import gc, sys, threading, time
from nerves.errors import MessageError
from nerves.messages import Heard
from senses.browser import wire

def read():
    while time.monotonic() < until:
        for reader in (lambda: wire.read_text(DEEP), lambda: Heard.read("kinwatch/hall/heard", DEEP.encode())):
            try:
                reader()
            except MessageError:
                pass

DEEP, until = '{"a":' * 50_000, time.monotonic() + 3
sys.setswitchinterval(1e-4)
gc.callbacks.append(lambda *_: None)
thread = threading.Thread(target=read)
thread.start()
while thread.is_alive():
    sys.setrecursionlimit(3000)
    sum(range(300))
    sys.setrecursionlimit(1000)
"""


@pytest.mark.timeout(70)
def test_python_does_not_abort_over_what_others_sent() -> None:
    done = subprocess.run(
        [sys.executable, "-c", READER], cwd=ROOT, capture_output=True, text=True, timeout=scaled(60), check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
