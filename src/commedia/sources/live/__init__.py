"""Motion that another program or a phone sends now: its packets as a source, as recorded motion is one."""
