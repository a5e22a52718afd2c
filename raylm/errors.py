"""The errors that a user can cause, and which of several workers' errors is the one to tell.

Whatever is raised as a `UserError` reaches the terminal as its one line and an exit status of 2, never as a traceback: its
text says what was wrong, where, and what is allowed. Anything else that escapes is a bug of ours and keeps its traceback.
"""


class UserError(Exception):
    """A mistake that the user can mend; the message is one clear line."""


class RecipeError(UserError):
    """A recipe that cannot be read, or that has a wrong key or value."""


def cut_off(error: BaseException) -> bool:
    """Whether all that an error says is that another worker could not be reached any more: that one's error is the telling one."""
    # By name, for whoever asks need not have torch loaded.
    lost = any(kind.__name__ == "DistError" for kind in type(error).__mro__)
    return lost or isinstance(error, ConnectionError) or "gloo/transport" in str(error)
