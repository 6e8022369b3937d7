"""The port: what every forge can do for us. A failure is an error of its own type, never an empty answer."""
