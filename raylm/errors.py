"""The errors that a user can cause.

Whatever is raised as a `UserError` reaches the terminal as its one line and an exit status of 2, never as a traceback: its
text says what was wrong, where, and what is allowed. Anything else that escapes is a bug of ours and keeps its traceback.
"""


class UserError(Exception):
    """A mistake that the user can mend; the message is one clear line."""


class RecipeError(UserError):
    """A recipe that cannot be read, or that has a wrong key or value."""
