"""Where people are shown the card of a task: Telegram, a comment, a webhook (NTF-1)."""
