"""Which files pin Python packages, and what each kind of them pins (SEC-7)."""
