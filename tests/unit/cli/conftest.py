from tests.command_line import command

__all__ = ["command"]
