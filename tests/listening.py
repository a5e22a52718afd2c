"""Where a process and those below it listen for connections, read from /proc: no `ss`, no `lsof`, no rights needed."""

import ipaddress
import struct
from pathlib import Path


def family(root: int) -> list[int]:
    """Return a process and all that descend from it."""
    parents = {}
    for folder in Path("/proc").iterdir():
        try:
            parents[int(folder.name)] = int((folder / "stat").read_text().rsplit(")", 1)[1].split()[1])
        except (ValueError, OSError):
            continue

    def descends(process):
        while process in parents and process != root:
            process = parents[process]
        return process == root

    return [process for process in parents if descends(process)]


def sockets(root: int) -> dict[tuple[str, int], str]:
    """Return the listening TCP sockets of a process and its descendants: (address, port) and the holder's command."""
    holders = {}
    for process in family(root):
        try:
            command = Path(f"/proc/{process}/cmdline").read_bytes().replace(b"\0", b" ").decode()[:80]
            for descriptor in Path(f"/proc/{process}/fd").iterdir():
                holders[str(descriptor.readlink())] = command
        except OSError:
            continue
    found = {}
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text().splitlines()[1:]:
            field = line.split()
            if field[3] == "0A" and f"socket:[{field[9]}]" in holders:
                host, port = field[1].split(":")
                found[address(host), int(port, 16)] = holders[f"socket:[{field[9]}]"]
    return found


def address(written: str) -> str:
    """Return an address as people write it; the kernel writes words in the machine's own order."""
    raw = b"".join(struct.pack("=I", int(written[at:at + 8], 16)) for at in range(0, len(written), 8))
    found = ipaddress.ip_address(raw)
    return str(getattr(found, "ipv4_mapped", None) or found)


def beyond_loopback(root: int) -> dict[tuple[str, int], str]:
    """Return those of `sockets` that other machines could connect to."""
    return {place: command for place, command in sockets(root).items() if not ipaddress.ip_address(place[0]).is_loopback}
