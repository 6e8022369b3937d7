"""One file per command group: parse, wire, call, render, exit code."""
