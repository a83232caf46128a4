"""What the data room says when something cannot be had."""


class DataError(RuntimeError):
    """The message is for the reader: what is missing, every way that was tried, and what to do about each."""


class Unavailable(Exception):
    """One way to get an entry does not work here; the message says why. The next way is tried."""
