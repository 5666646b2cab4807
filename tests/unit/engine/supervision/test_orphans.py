import ctypes
import sys
from multiprocessing import get_context

import pytest

from engine.supervision.orphans import BasicLimits, ExtendedLimits, IoCounters, Job

IS_64 = ctypes.sizeof(ctypes.c_void_p) == 8


@pytest.mark.skipif(not IS_64, reason="the figures are those of 64-bit Windows")
def test_the_structures_have_the_sizes_and_places_of_windows() -> None:
    sizes = [ctypes.sizeof(kind) for kind in (BasicLimits, IoCounters, ExtendedLimits)]
    assert sizes == [64, 48, 144]
    assert (BasicLimits.flags.offset, BasicLimits.affinity.offset) == (16, 48)
    assert (ExtendedLimits.io.offset, ExtendedLimits.process_memory.offset) == (64, 112)


def test_a_job_is_nothing_where_there_are_none() -> None:
    if sys.platform == "win32":
        pytest.skip("there are")
    job = Job()
    job.add(1)
    job.close()
    job.close()


@pytest.mark.skipif(sys.platform != "win32", reason="only Windows has job objects")
def test_closing_a_job_ends_its_processes() -> None:
    import time

    child = get_context("spawn").Process(target=time.sleep, args=(60,))
    job = Job()
    child.start()
    try:
        assert child.pid
        job.add(child.pid)
        job.close()
        child.join(10)
        assert child.exitcode is not None
    finally:
        child.kill()
        child.join()
        child.close()
