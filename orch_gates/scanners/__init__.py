"""Secret scanners and dependency auditors, each behind one port."""
