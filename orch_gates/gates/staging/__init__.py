"""The staging verdict: what checks on staging came to, and which failures the sandbox is to blame for (STG-1)."""
