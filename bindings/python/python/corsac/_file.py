"""A policy that is read from a file, and again when somebody asks."""

import os

from corsac._native import Policy, PolicyCell

__all__ = ["PolicyFile"]


class PolicyFile(PolicyCell):
    """A policy of a file that can be read again while threads use it: a PolicyCell that knows its path.

        policy = PolicyFile("policy.json")
        app = CorsMiddleware(app, policy)
        ...
        policy.reload()  # raises PolicyError and keeps the old policy if the file is bad

    Each process has its own: let each reload it, as on a signal.

    Args:
        path: The path of the file, as str or os.PathLike.

    Attributes:
        path: The path, as str.

    Raises:
        PolicyError: With every problem of the document; its text names the file.
        OSError: If the file cannot be read; it names the path.
        TypeError: If path is no path.
    """

    __slots__ = ("_path",)

    _path: str

    def __new__(cls, path: str | os.PathLike[str]) -> "PolicyFile":
        file = super().__new__(cls, Policy.from_file(path))
        file._path = os.fspath(path)
        return file

    @property
    def path(self) -> str:
        return self._path

    def reload(self) -> Policy:
        """Reads the file again. Requests that come afterwards are decided by what it says now.

        Returns:
            The new policy.

        Raises:
            PolicyError: With every problem of the document. The policy stays the one that it was.
            OSError: If the file cannot be read. The policy stays the one that it was.
        """
        policy = Policy.from_file(self._path)
        self.policy = policy
        return policy
