"""The same streams as taps made with the SDK's template, without any tuning."""
