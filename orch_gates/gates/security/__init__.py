"""The `security` gate (SEC-1 to SEC-12): no secret and no new known vulnerability gets in."""
