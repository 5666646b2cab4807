"""Icons and translations, found beside this file: in a checkout, a wheel or a frozen program."""

from pathlib import Path


def path(name: str) -> Path:
    """The file of a resource.

    Args:
        name: relative, with forward slashes, such as ``translations/zh_TW.qm``.

    Raises:
        FileNotFoundError: there is none, so the installation is incomplete.
    """
    found = Path(__file__).resolve().parent / name
    if not found.is_file():
        raise FileNotFoundError(f"resource {name} is missing in {found.parent}")
    return found
