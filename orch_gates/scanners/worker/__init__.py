"""The process that scans: it alone reads hostile content with native code, in bounded time and memory (SEC-12)."""
