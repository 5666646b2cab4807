"""Keeps children from outliving the main process, whatever ends it and also where a child is frozen.

Linux: the kernel kills a child when the thread that started it ends. Windows: a job object whose last handle ends
with the main process. Elsewhere only the child's own watch on its parent remains, which a frozen child cannot
keep. Nothing here raises: without the kernel's help the watch still works.
"""

import ctypes
import multiprocessing
import os
import signal
import sys
from typing import Any, Final

from engine import logs

log = logs.get(__name__)

ORPHANED: Final = 70
"""Exit code of a child whose parent died."""

_PR_SET_PDEATHSIG: Final = 1
_EXTENDED_LIMITS: Final = 9
"""JobObjectExtendedLimitInformation."""
_KILL_ON_JOB_CLOSE: Final = 0x2000
_PROCESS_TERMINATE: Final = 0x0001
_PROCESS_SET_QUOTA: Final = 0x0100


class BasicLimits(ctypes.Structure):
    """JOBOBJECT_BASIC_LIMIT_INFORMATION of winnt.h; own types, because c_ulong has another size elsewhere."""

    _fields_ = (
        ("per_process_user_time", ctypes.c_int64),
        ("per_job_user_time", ctypes.c_int64),
        ("flags", ctypes.c_uint32),
        ("minimum_working_set", ctypes.c_size_t),
        ("maximum_working_set", ctypes.c_size_t),
        ("active_processes", ctypes.c_uint32),
        ("affinity", ctypes.c_size_t),
        ("priority_class", ctypes.c_uint32),
        ("scheduling_class", ctypes.c_uint32),
    )


class IoCounters(ctypes.Structure):
    """IO_COUNTERS of winnt.h."""

    _fields_ = tuple(
        (name, ctypes.c_uint64)
        for name in ("reads", "writes", "others", "read_bytes", "written_bytes", "other_bytes")
    )


class ExtendedLimits(ctypes.Structure):
    """JOBOBJECT_EXTENDED_LIMIT_INFORMATION of winnt.h."""

    _fields_ = (
        ("basic", BasicLimits),
        ("io", IoCounters),
        ("process_memory", ctypes.c_size_t),
        ("job_memory", ctypes.c_size_t),
        ("peak_process_memory", ctypes.c_size_t),
        ("peak_job_memory", ctypes.c_size_t),
    )


def die_with_parent() -> None:
    """Linux: asks the kernel to kill this process when the thread that started it ends."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if (parent := multiprocessing.parent_process()) and os.getppid() != parent.pid:
            os._exit(ORPHANED)  # it died before the kernel was asked


class Job:
    """Windows: children of this job are killed when it is closed or the main process ends. Elsewhere nothing."""

    def __init__(self) -> None:
        self._handle = _killing_job() if sys.platform == "win32" else 0

    def add(self, pid: int) -> None:
        """Takes a child that was just started."""
        if self._handle:
            kernel = _kernel32()
            process = kernel.OpenProcess(_PROCESS_SET_QUOTA | _PROCESS_TERMINATE, False, pid)
            if not process or not kernel.AssignProcessToJobObject(self._handle, process):
                log.warning("child is not in the job and may outlive the program if frozen", pid=pid)
            if process:
                kernel.CloseHandle(process)

    def close(self) -> None:
        """Kills what is left in it."""
        if self._handle:
            _kernel32().CloseHandle(self._handle)
        self._handle = 0


def _killing_job() -> int:
    """A handle of a job that kills what is in it when the handle is closed, 0 if there is none to be had."""
    kernel = _kernel32()
    handle: int = kernel.CreateJobObjectW(None, None) or 0
    limits = ExtendedLimits()
    limits.basic.flags = _KILL_ON_JOB_CLOSE
    size = ctypes.sizeof(limits)
    if handle and kernel.SetInformationJobObject(handle, _EXTENDED_LIMITS, ctypes.byref(limits), size):
        return handle
    log.warning("no job object: frozen children may outlive the program")
    if handle:
        kernel.CloseHandle(handle)
    return 0


def _kernel32() -> Any:
    """Windows' functions with their 64-bit signatures: a handle does not fit into a C int."""
    kernel: Any = None
    if sys.platform == "win32":
        kernel = ctypes.WinDLL("kernel32")
    handle, flag, number = ctypes.c_void_p, ctypes.c_int, ctypes.c_uint32
    for name, result, arguments in (
        ("CreateJobObjectW", handle, (ctypes.c_void_p, ctypes.c_wchar_p)),
        ("SetInformationJobObject", flag, (handle, ctypes.c_int, ctypes.c_void_p, number)),
        ("OpenProcess", handle, (number, flag, number)),
        ("AssignProcessToJobObject", flag, (handle, handle)),
        ("CloseHandle", flag, (handle,)),
    ):
        function = getattr(kernel, name)
        function.restype, function.argtypes = result, arguments
    return kernel
